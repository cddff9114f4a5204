#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace troupe;
using namespace std::string_literals;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

// AWS's published examples: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
constexpr std::string_view access_key = "AKIAIOSFODNN7EXAMPLE";
constexpr std::string_view secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr unix_ms may_24_2013 = 1369353600000;
constexpr std::string_view empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

struct request {
  std::string method = "GET", path = "/";
  pairs query, headers;

  request& header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  void drop(std::string_view name) {
    std::erase_if(headers, [&](auto& h) { return h.first == name; });
  }
  std::string& value(std::string_view name) {
    return std::find_if(headers.begin(), headers.end(), [&](auto& h) { return h.first == name; })->second;
  }
  std::string& parameter(std::string_view name) {
    return std::find_if(query.begin(), query.end(), [&](auto& q) { return q.first == name; })->second;
  }
};

// Keeps the views that a sigv4_request needs alive during one call.
template <class Call>
auto with(const request& r, Call call) {
  std::vector<header_view> views;
  for (auto& [name, value] : r.headers) views.push_back({name, value});
  return call(sigv4_request{r.method, r.path, r.query, views});
}

std::optional<std::string> lookup(std::string_view key) {
  if (key == access_key) return std::string{secret_key};
  if (key == "slashed/key") return "s";
  return std::nullopt;
}

result<sigv4_identity> check(const request& r, unix_ms now = may_24_2013, sigv4_rules rules = {}) {
  return with(r, [&](const sigv4_request& view) { return sigv4_verifier{rules}.verify(view, lookup, now); });
}

std::string code(const request& r, unix_ms now = may_24_2013, sigv4_rules rules = {}) {
  auto who = check(r, now, rules);
  return who ? "ok" : std::string{to_string(who.error().code)};
}

const sigv4_credentials client{access_key, secret_key};

void sign_it(
  request& r, std::string_view hash = empty_hash, unix_ms now = may_24_2013, sigv4_credentials who = client) {
  auto added = with(r, [&](const sigv4_request& view) { return sign(view, who, hash, now); });
  r.headers.insert(r.headers.end(), added.begin(), added.end());
}

void presign_it(request& r, std::int64_t expires_s = 86400, unix_ms now = may_24_2013) {
  auto query = with(r, [&](const sigv4_request& view) { return presign(view, client, expires_s, now); });
  uri u;
  REQUIRE(u.parse("/?" + query));
  r.query = u.query;
}

std::string authorization(std::string_view signed_headers, std::string_view signature) {
  return "AWS4-HMAC-SHA256 Credential=" + std::string{credential} + ",SignedHeaders=" + std::string{signed_headers} +
    ",Signature=" + std::string{signature};
}

request get_object() {
  request r{.path = "/test.txt", .query = {}, .headers = {}};
  r.header("Host", "examplebucket.s3.amazonaws.com").header("Range", "bytes=0-9");
  r.header("x-amz-content-sha256", std::string{empty_hash}).header("x-amz-date", "20130524T000000Z");
  r.header("Authorization",
    authorization("host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  return r;
}

request presigned_get() {
  request r{.path = "/test.txt", .query = {}, .headers = {}};
  r.header("Host", "examplebucket.s3.amazonaws.com");
  r.query = {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Credential", std::string{credential}},
    {"X-Amz-Date", "20130524T000000Z"}, {"X-Amz-Expires", "86400"}, {"X-Amz-SignedHeaders", "host"},
    {"X-Amz-Signature", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"}};
  return r;
}

} // namespace

TEST_CASE("AWS's example GET of a range verifies, and tells who signed what") {
  auto who = check(get_object());
  REQUIRE(who.has_value());
  CHECK(who->access_key == access_key);
  CHECK(who->scope == "20130524/us-east-1/s3/aws4_request");
  CHECK(who->region == "us-east-1");
  CHECK(who->amz_date == "20130524T000000Z");
  CHECK(who->signed_headers == "host;range;x-amz-content-sha256;x-amz-date");
  CHECK(who->payload_hash == empty_hash);
  CHECK(who->signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  CHECK_FALSE(who->presigned);
  CHECK(who->signing_key == sigv4_signing_key(secret_key, "20130524", "us-east-1", "s3"));
}

TEST_CASE("AWS's example PUT verifies, with a dollar sign in its key") {
  request r{.method = "PUT", .path = "/test$file.text", .query = {}, .headers = {}};
  r.header("Host", "examplebucket.s3.amazonaws.com").header("Date", "Fri, 24 May 2013 00:00:00 GMT");
  r.header("x-amz-date", "20130524T000000Z").header("x-amz-storage-class", "REDUCED_REDUNDANCY");
  r.header("x-amz-content-sha256", hex_encode(sha256(as_bytes("Welcome to Amazon S3."))));
  r.header("Authorization",
    authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  CHECK(code(r) == "ok");
}

TEST_CASE("AWS's example GET of a lifecycle and of a list verify") {
  for (auto& [query, signature] : std::initializer_list<std::pair<pairs, std::string>>{
         {{{"lifecycle", ""}}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
         {{{"prefix", "J"}, {"max-keys", "2"}}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}}) {
    request r{.query = query, .headers = {}};
    r.header("Host", "examplebucket.s3.amazonaws.com").header("x-amz-date", "20130524T000000Z");
    r.header("x-amz-content-sha256", std::string{empty_hash});
    r.header("Authorization", authorization("host;x-amz-content-sha256;x-amz-date", signature));
    CHECK(code(r) == "ok");
  }
}

TEST_CASE("AWS's example presigned URL verifies, and is what presign makes") {
  auto who = check(presigned_get());
  REQUIRE(who.has_value());
  CHECK(who->presigned);
  CHECK(who->payload_hash == "UNSIGNED-PAYLOAD");
  request r{.path = "/test.txt", .query = {}, .headers = {}};
  r.header("Host", "examplebucket.s3.amazonaws.com");
  presign_it(r);
  CHECK(r.parameter("X-Amz-Signature") == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("sign makes AWS's example signature") {
  request r{.path = "/test.txt", .query = {}, .headers = {}};
  r.header("Host", "examplebucket.s3.amazonaws.com").header("range", "bytes=0-9");
  sign_it(r);
  CHECK(
    r.value("Authorization").ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST_CASE("what sign and presign make, verify accepts, and any change of it it refuses") {
  for (bool in_query : {false, true}) {
    request r{.method = "PUT", .path = "/b/a //../%\xc3\xa9+=&?#~*'()", .query = {}, .headers = {}};
    r.query = {{"x", ""}, {"a b", "c/d+e"}, {"x", "2"}, {"", "nameless"}, {"A", "\xff"}};
    r.header("host", "h:9000").header("X-Amz-Meta-A", "  two   spaces  ").header("x-amz-meta-a", "again");
    if (in_query)
      presign_it(r);
    else
      sign_it(r, "UNSIGNED-PAYLOAD");
    CAPTURE(in_query);
    REQUIRE(code(r) == "ok");

    auto same = r; // what HTTP may change on the way
    same.value("X-Amz-Meta-A") = "two spaces";
    std::reverse(same.query.begin(), same.query.end());
    CHECK(code(same) == "ok");

    auto refused = [&](auto change) {
      auto changed = r;
      change(changed);
      return code(changed) == "signature_does_not_match";
    };
    CHECK(refused([](request& c) { c.method = "POST"; }));
    CHECK(refused([](request& c) { c.path += "x"; }));
    CHECK(refused([](request& c) { c.query.emplace_back("y", "1"); }));
    CHECK(refused([](request& c) { c.query[1].second = "other"; }));
    CHECK(refused([](request& c) { c.value("host") = "elsewhere"; }));
    CHECK(refused([](request& c) { c.value("x-amz-meta-a") = "Again"; }));
    CHECK(refused([](request& c) { std::swap(c.headers[1], c.headers[2]); })); // repeated: order counts
    CHECK(refused([](request& c) { c.drop("x-amz-meta-a"); }));
    if (in_query)
      CHECK(refused([](request& c) { c.parameter("X-Amz-Expires") = "86401"; }));
    else
      CHECK(refused([](request& c) { c.value("x-amz-content-sha256") = std::string{empty_hash}; }));
    CHECK(refused([&](request& c) {
      auto& last = in_query ? c.parameter("X-Amz-Signature").back() : c.value("Authorization").back();
      last = last == '0' ? '1' : '0';
    }));
    CHECK(
      refused([&](request& c) { (in_query ? c.parameter("X-Amz-Signature") : c.value("Authorization")).pop_back(); }));
  }
}

TEST_CASE("a request without authentication, with two, or with another kind says so") {
  request none;
  CHECK(code(none) == "access_denied");
  auto both = get_object();
  both.query = presigned_get().query;
  CHECK(code(both) == "invalid_argument");
  auto twice = get_object();
  twice.header("authorization", twice.value("Authorization"));
  CHECK(code(twice) == "authorization_header_malformed");
  auto other = get_object();
  other.value("Authorization") = "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=";
  CHECK(code(other) == "invalid_request");
  other.value("Authorization") = "AWS4-ECDSA-P256-SHA256 Credential=x";
  CHECK(code(other) == "invalid_request");
  other.value("Authorization") = "Basic dXNlcjpwYXNz";
  CHECK(code(other) == "invalid_argument");
  request version2;
  version2.query = {{"AWSAccessKeyId", "x"}, {"Signature", "y"}, {"Expires", "1"}};
  CHECK(code(version2) == "invalid_request");
}

TEST_CASE("an authorization header that does not parse is malformed") {
  auto scope = std::string{credential};
  for (auto value : {"AWS4-HMAC-SHA256 "s, "AWS4-HMAC-SHA256 x"s, "AWS4-HMAC-SHA256 Credential=" + scope,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host"s,
         "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws5_request, SignedHeaders=host, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=a/20130524//s3/aws4_request, SignedHeaders=host, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;;x, Signature=0"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=0, Signature=1"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=0, Extra=1"s,
         "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host" +
           [] {
             std::string s;
             for (int i = 0; i < 200; ++i) s += ";h";
             return s;
           }() +
           ", Signature=0"}) {
    auto r = get_object();
    r.value("Authorization") = value;
    CAPTURE(value);
    CHECK(code(r) == "authorization_header_malformed");
  }
}

TEST_CASE("a scope that is not this service's, region's or day's is malformed") {
  CHECK(code(get_object(), may_24_2013, {.service = "s3", .region = "us-east-1"}) == "ok");
  CHECK(code(get_object(), may_24_2013, {.service = "s3", .region = "eu-west-1"}) == "authorization_header_malformed");
  CHECK(code(get_object(), may_24_2013, {.service = "admin", .region = {}}) == "authorization_header_malformed");
  CHECK(code(presigned_get(), may_24_2013, {.service = "s3", .region = "eu-west-1"}) ==
    "authorization_query_parameters_error");
  auto r = get_object();
  r.value("x-amz-date") = "20130523T235959Z";
  CHECK(code(r) == "authorization_header_malformed");
}

TEST_CASE("an unknown access key and a wrong secret are told apart") {
  request r;
  r.header("Host", "h");
  auto unknown = r;
  sign_it(unknown, empty_hash, may_24_2013, {"AKIANOBODY", secret_key});
  CHECK(code(unknown) == "invalid_access_key_id");
  auto wrong = r;
  sign_it(wrong, empty_hash, may_24_2013, {access_key, "wrong"});
  CHECK(code(wrong) == "signature_does_not_match");
  auto slashed = r;
  sign_it(slashed, empty_hash, may_24_2013, {"slashed/key", "s"});
  CHECK(code(slashed) == "ok");
}

TEST_CASE("the signer's clock may be a quarter of an hour off, either way") {
  constexpr unix_ms quarter = 15 * 60 * 1000;
  CHECK(code(get_object(), may_24_2013 + quarter) == "ok");
  CHECK(code(get_object(), may_24_2013 - quarter) == "ok");
  CHECK(code(get_object(), may_24_2013 + quarter + 1) == "request_time_too_skewed");
  CHECK(code(get_object(), may_24_2013 - quarter - 1) == "request_time_too_skewed");
}

TEST_CASE("a presigned request lives from a quarter of an hour before its date until it expires") {
  CHECK(code(presigned_get(), may_24_2013 + 86'400'000) == "ok");
  CHECK(code(presigned_get(), may_24_2013 + 86'400'001) == "access_denied");
  CHECK(code(presigned_get(), may_24_2013 - 900'000) == "ok");
  CHECK(code(presigned_get(), may_24_2013 - 900'001) == "access_denied");
}

TEST_CASE("bad presigned parameters are named as such") {
  for (auto name : {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
    auto r = presigned_get();
    std::erase_if(r.query, [&](auto& q) { return q.first == name; });
    CAPTURE(name);
    CHECK(code(r) == "authorization_query_parameters_error");
  }
  for (auto& [name, value] : pairs{{"X-Amz-Algorithm", "AWS4-HMAC-SHA1"}, {"X-Amz-Credential", "a/b"},
         {"X-Amz-Date", "2013-05-24"}, {"X-Amz-Expires", "0"}, {"X-Amz-Expires", "-1"}, {"X-Amz-Expires", "604801"},
         {"X-Amz-Expires", "1d"}, {"X-Amz-Expires", "99999999999999999999"}, {"X-Amz-SignedHeaders", ";host"},
         {"X-Amz-Date", "20130525T000000Z"}}) {
    auto r = presigned_get();
    r.parameter(name) = value;
    CAPTURE(name, value);
    CHECK(code(r) == "authorization_query_parameters_error");
  }
}

TEST_CASE("host and every x-amz header must be signed, except the payload's hash, which always is") {
  auto r = get_object();
  r.header("x-amz-acl", "public-read");
  CHECK(code(r) == "access_denied");
  auto p = presigned_get();
  p.header("X-Amz-Acl", "public-read");
  CHECK(code(p) == "access_denied");
  auto n = get_object();
  n.value("Authorization") = authorization("range;x-amz-content-sha256;x-amz-date", std::string(64, '0'));
  CHECK(code(n) == "access_denied");
  auto other = get_object();
  other.header("user-agent", "anything").header("x-amzn-trace-id", "Root=1");
  CHECK(code(other) == "ok");

  // Signed over host and date only: as curl does when x-amz-content-sha256 is given by hand.
  request bare;
  bare.header("host", "h").header("x-amz-date", "20130524T000000Z");
  auto canonical = with(
    bare, [](const sigv4_request& v) { return sigv4_canonical_request(v, "host;x-amz-date", "UNSIGNED-PAYLOAD"); });
  auto signature = sigv4_signature(sigv4_signing_key(secret_key, "20130524", "us-east-1", "s3"), "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request", canonical);
  bare.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    .header("Authorization", authorization("host;x-amz-date", signature));
  CHECK(code(bare) == "ok");
  bare.value("x-amz-content-sha256") = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  CHECK(code(bare) == "signature_does_not_match");
}

TEST_CASE("a missing payload hash, and a missing or unreadable date, are said") {
  auto r = get_object();
  r.drop("x-amz-content-sha256");
  CHECK(code(r) == "invalid_request");
  r = get_object();
  r.drop("x-amz-date");
  CHECK(code(r) == "access_denied");
  r = get_object();
  r.value("x-amz-date") = "yesterday";
  CHECK(code(r) == "access_denied");
}

TEST_CASE("the Date header stands in for x-amz-date") {
  for (std::string date : {"Fri, 24 May 2013 00:00:00 GMT", "20130524T000000Z"}) {
    request r;
    r.header("Host", "h").header("Date", date).header("x-amz-content-sha256", std::string{empty_hash});
    auto canonical = with(r,
      [](const sigv4_request& v) { return sigv4_canonical_request(v, "date;host;x-amz-content-sha256", empty_hash); });
    auto signature = sigv4_signature(sigv4_signing_key(secret_key, "20130524", "us-east-1", "s3"), "20130524T000000Z",
      "20130524/us-east-1/s3/aws4_request", canonical);
    r.header("Authorization", authorization("date;host;x-amz-content-sha256", signature));
    CAPTURE(date);
    CHECK(code(r) == "ok");
  }
}

TEST_CASE("cached signing keys follow a changed secret and stay bounded") {
  std::string secret{secret_key};
  auto changing = [&](std::string_view) { return std::optional{secret}; };
  sigv4_verifier verifier{{.service = "s3", .region = {}, .cached_keys_max = 2}};
  auto verify = [&](const request& r) {
    return with(r, [&](const sigv4_request& v) { return verifier.verify(v, changing, may_24_2013).has_value(); });
  };
  CHECK(verify(get_object()));
  CHECK(verify(get_object()));
  secret = "changed";
  CHECK_FALSE(verify(get_object()));
  request r;
  r.header("host", "h");
  sign_it(r, empty_hash, may_24_2013, {access_key, "changed"});
  CHECK(verify(r));
  secret = secret_key;
  CHECK(verify(get_object()));
  for (auto region : {"a", "b", "c", "d", "e"}) {
    request other;
    other.header("host", "h");
    sign_it(other, empty_hash, may_24_2013, {access_key, secret_key, region});
    CHECK(verify(other));
    CHECK(verify(other));
  }
}
