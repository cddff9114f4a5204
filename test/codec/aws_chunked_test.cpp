#include "codec/aws_chunked.hpp"
#include "codec/checksum.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;
using pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

aws_chunked_decoder::signing seed(std::string signature) {
  return {.key = sigv4_signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"),
    .amz_date = "20130524T000000Z",
    .scope = "20130524/us-east-1/s3/aws4_request",
    .seed_signature = std::move(signature)};
}

// AWS's published examples: sigv4-streaming.html and sigv4-streaming-trailers.html; 65 KiB of 'a'.
const std::string seed_plain = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const std::string seed_trailer = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

std::string example(std::string first, std::string second, std::string last, std::string tail) {
  return "10000;chunk-signature=" + first + "\r\n" + std::string(65536, 'a') + "\r\n400;chunk-signature=" + second +
    "\r\n" + std::string(1024, 'a') + "\r\n0;chunk-signature=" + last + "\r\n" + tail;
}
std::string plain_example() {
  return example("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", "\r\n");
}
const std::string trailer_signature_line =
  "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
std::string trailer_example(std::string tail) {
  return example("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", std::move(tail));
}

struct outcome {
  std::string data;
  ec code = ec::internal;
  bool ok = false;
  pairs trailers;
};

// Feeds the wire in pieces of `step` bytes (0: random ones).
outcome run(aws_chunked_decoder decoder, std::string wire, std::size_t step = 0, unsigned seed_value = 1) {
  std::mt19937 random{seed_value};
  outcome out;
  for (std::size_t i = 0; i < wire.size();) {
    auto n = std::min(wire.size() - i, step ? step : 1 + random() % 100);
    bytes_span piece{reinterpret_cast<std::byte*>(wire.data() + i), n};
    auto decoded = decoder.decode(piece);
    if (!decoded) {
      out.code = decoded.error().code;
      REQUIRE(decoder.decode(piece.first(0)).has_error()); // errors are final
      REQUIRE(decoder.end().has_error());
      return out;
    }
    REQUIRE(*decoded <= n);
    out.data += as_text(piece.first(*decoded));
    i += n;
  }
  auto end = decoder.end();
  out.ok = end.has_value();
  if (!end)
    out.code = end.error().code;
  else
    REQUIRE(decoder.finished());
  out.trailers = decoder.trailers();
  return out;
}

using mode = aws_chunked_decoder::mode;
constexpr auto signed_payload = aws_chunked_decoder::signed_payload;
constexpr auto signed_trailer = aws_chunked_decoder::signed_payload_trailer;
constexpr auto unsigned_trailer = aws_chunked_decoder::unsigned_payload_trailer;

outcome run_unsigned(std::string wire, std::optional<std::uint64_t> length = {}, std::size_t step = 0) {
  return run(aws_chunked_decoder{unsigned_trailer, length, {}}, std::move(wire), step);
}

} // namespace

TEST_CASE("AWS's example of a signed chunked body decodes, however it is cut") {
  for (std::size_t step : {1u, 7u, 4096u, 100'000u, 0u}) {
    auto out = run({signed_payload, 66560, seed(seed_plain)}, plain_example(), step);
    CAPTURE(step);
    CHECK(out.ok);
    CHECK(out.data == std::string(66560, 'a'));
    CHECK(out.trailers.empty());
  }
}

TEST_CASE("AWS's example with a signed trailer decodes, with every ending that clients send") {
  const std::string checksum = "x-amz-checksum-crc32c:sOO8/Q==";
  for (auto& tail : {checksum + "\r\n" + trailer_signature_line + "\r\n", // AWS SDKs
         checksum + "\n\r\n" + trailer_signature_line + "\r\n",           // minio-go
         checksum + "\r\n" + trailer_signature_line,                      // as documented
         "X-Amz-Checksum-CRC32C: sOO8/Q== \r\n" + trailer_signature_line + "\r\n"}) {
    for (std::size_t step : {1u, 1000u, 0u}) {
      CAPTURE(tail, step);
      auto out = run({signed_trailer, 66560, seed(seed_trailer)}, trailer_example(tail), step);
      CHECK(out.ok);
      CHECK(out.data == std::string(66560, 'a'));
      CHECK(out.trailers == pairs{{"x-amz-checksum-crc32c", "sOO8/Q=="}});
    }
  }
  CHECK(base64_decode("sOO8/Q==") == [] {
    checksum_set one;
    one.add(checksum_kind::crc32c);
    checksum_state state{one};
    state.add(as_bytes(std::string(66560, 'a')));
    return state.finish().get(checksum_kind::crc32c);
  }());
}

TEST_CASE("a changed byte of a signed body's data, signatures or trailers is noticed") {
  auto wire = trailer_example("x-amz-checksum-crc32c:sOO8/Q==\r\n" + trailer_signature_line + "\r\n");
  auto changed = [&](std::size_t at, char to) {
    auto copy = wire;
    copy[at] = to;
    return run({signed_trailer, 66560, seed(seed_trailer)}, copy, 8192).code;
  };
  CHECK(changed(200, 'b') == ec::signature_does_not_match);
  CHECK(changed(wire.find("b474"), 'c') == ec::signature_does_not_match);
  CHECK(changed(wire.find("2ca2"), '3') == ec::signature_does_not_match);
  CHECK(changed(wire.find("sOO8"), 't') == ec::signature_does_not_match);
  CHECK(changed(wire.find("d81f"), 'e') == ec::signature_does_not_match);
  CHECK(changed(wire.find("crc32c"), 'd') == ec::signature_does_not_match);
  CHECK(run({signed_trailer, 66560, seed(seed_plain)}, wire, 8192).code == ec::signature_does_not_match);
  // The trailer's signature taken away.
  CHECK(
    run({signed_trailer, 66560, seed(seed_trailer)}, trailer_example("x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n")).code ==
    ec::signature_does_not_match);
  CHECK(run({signed_trailer, 66560, seed(seed_trailer)}, trailer_example("\r\n")).code == ec::signature_does_not_match);
}

TEST_CASE("an unsigned body decodes, with and without trailers, extensions and the last line end") {
  for (std::size_t step : {1u, 2u, 3u, 1000u}) {
    CAPTURE(step);
    for (std::string tail : {"0\r\n\r\n", "0\r\n", "000\r\n\r\n", "0;x=y\r\n\r\n"}) {
      auto out = run_unsigned("5\r\nhello\r\n6;a=1\r\n world\r\n" + tail, 11, step);
      CHECK(out.ok);
      CHECK(out.data == "hello world");
      CHECK(out.trailers.empty());
    }
    for (std::string tail : {"x-amz-checksum-crc32:AAAAAA==\r\n\r\n", "x-amz-checksum-crc32:AAAAAA==\n\r\n\r\n",
           "x-amz-checksum-crc32:AAAAAA==\r\n", "x-amz-checksum-crc32:AAAAAA==\n\r\n"}) {
      auto out = run_unsigned("A\r\n0123456789\r\n0\r\n" + tail, 10, step);
      CAPTURE(tail);
      CHECK(out.ok);
      CHECK(out.data == "0123456789");
      CHECK(out.trailers == pairs{{"x-amz-checksum-crc32", "AAAAAA=="}});
    }
    auto none = run_unsigned("0\r\n\r\n", 0, step);
    CHECK(none.ok);
    CHECK(none.data.empty());
  }
}

TEST_CASE("a body cut short anywhere before its last chunk is incomplete") {
  std::string wire = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
  auto last_chunk = wire.find("0\r\n") + 3;
  for (std::size_t n = 0; n < wire.size(); ++n) {
    auto out = run_unsigned(wire.substr(0, n), 5);
    CAPTURE(n);
    if (n < last_chunk)
      CHECK((!out.ok && out.code == ec::incomplete_body));
    else if (n > last_chunk && n < wire.size() - 2 - 1)
      CHECK_FALSE(out.ok); // in the middle of the trailer
  }
}

TEST_CASE("bad framing is refused") {
  for (std::string wire : {"g\r\n", "\r\n", "-1\r\n", "+1\r\n", "0x5\r\nhello\r\n", "5 \r\nhello\r\n", "5\nhello\r\n",
         "5\r\nhelloX\n", "5\r\nhello\rX", "5\r\nhello\n0\r\n", "ffffffffffffffffff\r\n", "7fffffffffffffff\r\n",
         "0\r\n\r\nmore", "0\r\n\r\n\r\n"}) {
    auto out = run_unsigned(wire);
    CAPTURE(wire);
    CHECK_FALSE(out.ok);
    CHECK(out.code == ec::invalid_request);
  }
  CHECK(run_unsigned(std::string(5000, '0')).code == ec::invalid_request); // an endless head
  CHECK(run_unsigned("0\r\nx:" + std::string(5000, 'v')).code == ec::invalid_request);
  CHECK(run({signed_payload, 5, seed(seed_plain)}, "5\r\nhello\r\n").code == ec::invalid_request);
  CHECK(run({signed_payload, 5, seed(seed_plain)}, "5;chunk-signature=00\r\nhello\r\n").code == ec::invalid_request);
}

TEST_CASE("bad trailers are refused") {
  for (std::string tail : {":v\r\n", "novalue\r\n", "a b:c\r\n", "a\x01:c\r\n", "a:b\rc\r\n"}) {
    CAPTURE(tail);
    CHECK(run_unsigned("0\r\n" + tail).code == ec::malformed_trailer);
  }
  std::string many = "0\r\n";
  for (int i = 0; i < 17; ++i) many += "x:y\r\n";
  CHECK(run_unsigned(many + "\r\n").code == ec::malformed_trailer);
  CHECK(run({signed_payload, 66560, seed(seed_plain)}, plain_example().insert(plain_example().size() - 2, "x:y\r\n"))
          .code == ec::malformed_trailer);
}

TEST_CASE("the decoded length is held to what was announced") {
  CHECK(run_unsigned("5\r\nhello\r\n0\r\n\r\n", 5).ok);
  CHECK(run_unsigned("5\r\nhello\r\n0\r\n\r\n", 4).code == ec::incomplete_body);
  CHECK(run_unsigned("5\r\nhello\r\n0\r\n\r\n", 6).code == ec::incomplete_body);
  CHECK(run_unsigned("5\r\nhello\r\n0\r\n\r\n", 0).code == ec::incomplete_body);
  auto early = run_unsigned("100\r\nhello", 5); // refused at the head, not after 256 bytes
  CHECK(early.code == ec::incomplete_body);
  CHECK(early.data.empty());
}

TEST_CASE("the framing is known by its name") {
  CHECK(aws_chunked_decoder::mode_named("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") == signed_payload);
  CHECK(aws_chunked_decoder::mode_named("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") == signed_trailer);
  CHECK(aws_chunked_decoder::mode_named("STREAMING-UNSIGNED-PAYLOAD-TRAILER") == unsigned_trailer);
  CHECK_FALSE(aws_chunked_decoder::mode_named("UNSIGNED-PAYLOAD"));
  CHECK_FALSE(aws_chunked_decoder::mode_named("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"));
}

TEST_CASE("random bodies cut at random decode to what was framed") {
  std::mt19937 random{42};
  for (int round = 0; round < 300; ++round) {
    std::string data(random() % 3000, '\0');
    for (auto& c : data) c = static_cast<char>(random());
    std::string wire;
    for (std::size_t i = 0; i < data.size();) {
      auto n = std::min<std::size_t>(data.size() - i, 1 + random() % 700);
      char head[20];
      std::snprintf(head, sizeof head, "%zx\r\n", n);
      wire += head + data.substr(i, n) + "\r\n";
      i += n;
    }
    wire += "0\r\n\r\n";
    auto out = run(aws_chunked_decoder{unsigned_trailer, data.size(), {}}, wire, 0, static_cast<unsigned>(round));
    CAPTURE(round);
    CHECK(out.ok);
    CHECK(out.data == data);
  }
}
