#include "cli/load_request.hpp"
#include "cli/s3_client.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

namespace {

struct fixed_clock final : wall_clock {
  explicit fixed_clock(unix_ms at) : at_(at) {}
  unix_ms now() const override { return at_; }
  unix_ms at_;
};

connection somewhere() {
  return {.endpoint = "http://127.0.0.1:9000",
    .host = "127.0.0.1:9000",
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    .region = "us-east-1",
    .ca_file = ""};
}

} // namespace

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
TEST_CASE("a presigned URL equals the one that AWS documents") {
  auto where = somewhere();
  where.endpoint = "https://examplebucket.s3.amazonaws.com";
  where.host = "examplebucket.s3.amazonaws.com";
  const fixed_clock clock{parse_amz_date("20130524T000000Z").value()};
  const s3_client client{where, {.clock = &clock}};
  // The example's bucket is in the host, so its key stands where ours has the bucket.
  const auto url = client.presign("GET", "test.txt", "", 86400);
  REQUIRE(url);
  CHECK(*url ==
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
    "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("a presigned URL lives for a second to seven days") {
  const s3_client client{somewhere()};
  CHECK(client.presign("GET", "b", "k", 1));
  CHECK(client.presign("GET", "b", "k", 604'800));
  CHECK_FALSE(client.presign("GET", "b", "k", 0));
  CHECK_FALSE(client.presign("GET", "b", "k", 604'801));
}

TEST_CASE("the benchmark's requests pass the server's check of signatures, day after day") {
  const auto where = somewhere();
  load_request_writer writer{where, "bucket", "UNSIGNED-PAYLOAD"};
  sigv4_verifier verifier{sigv4_rules{}};
  const auto secret = [&](std::string_view key) {
    return key == where.access_key ? std::optional{where.secret_key} : std::nullopt;
  };
  const auto first = parse_amz_date("20260101T235959Z").value();
  for (const unix_ms now : {first, first + 500, first + 1000, first + 86'400'000}) {
    for (const auto* method : {"PUT", "GET"}) {
      std::string head = "left over";
      writer.write(head, method, "bench/a b+\xc3\xbc", 4096, now);
      std::vector<header_view> headers;
      std::string_view rest{head};
      const auto request_line = rest.substr(0, rest.find("\r\n"));
      for (rest = rest.substr(request_line.size() + 2); rest != "\r\n";) {
        const auto line = rest.substr(0, rest.find("\r\n"));
        headers.push_back({line.substr(0, line.find(':')), line.substr(line.find(':') + 2)});
        rest = rest.substr(line.size() + 2);
      }
      const auto target = request_line.substr(
        std::string_view{method}.size() + 1, request_line.rfind(' ') - std::string_view{method}.size() - 1);
      uri parsed;
      REQUIRE(parsed.parse(target));
      CHECK(parsed.path == "/bucket/bench/a b+\xc3\xbc");
      const auto who = verifier.verify(
        {.method = method, .path = parsed.path, .query = parsed.query, .headers = headers}, secret, now);
      REQUIRE(who);
      CHECK(who->access_key == where.access_key);
    }
  }
}
