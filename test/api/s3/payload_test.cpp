#include "s3_fixture.hpp"

#include "codec/checksum.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

std::string crc32_of(std::string_view s) {
  const auto n = crc32(as_bytes(s));
  std::string raw;
  for (int shift = 24; shift >= 0; shift -= 8) raw += static_cast<char>(n >> shift);
  return base64_encode(raw);
}

std::string hex(std::size_t n) {
  char buffer[17];
  std::snprintf(buffer, sizeof buffer, "%zx", n);
  return buffer;
}

// STREAMING-UNSIGNED-PAYLOAD-TRAILER, in chunks of `step`.
std::string unsigned_chunks(std::string_view body, std::string_view trailer, std::size_t step = 7) {
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += step) {
    const auto piece = body.substr(at, step);
    ((out += hex(piece.size())) += "\r\n") += piece;
    out += "\r\n";
  }
  return ((out += "0\r\n") += trailer) += "\r\n\r\n";
}

constexpr auto streaming_trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const std::string text = "the quick brown fox jumps over the lazy dog";

} // namespace

TEST_CASE("the body's SHA-256 is verified when the client signed it") {
  s3_fixture f;
  f.put("/bkt/k", "old");
  auto a = f.call("PUT", "/bkt/k", {}, "new", {.payload = hex_encode(sha256(as_bytes("other")))});
  CHECK(a.status == 400);
  CHECK(f.code(a) == "XAmzContentSHA256Mismatch");
  CHECK(f.get("/bkt/k").body == "old");
  CHECK(f.call("PUT", "/bkt/k", {}, "new", {.payload = "UNSIGNED-PAYLOAD"}).status == 200);
  CHECK(f.get("/bkt/k").body == "new");
  CHECK(f.code(f.call("PUT", "/bkt/k", {}, "x", {.payload = "abc"})) == "InvalidArgument");
  CHECK(f.call("PUT", "/bkt/k", {}, "x", {.payload = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}).status == 501);
  CHECK(f.get("/bkt/k").body == "new");
}

TEST_CASE("Content-MD5 is verified") {
  s3_fixture f;
  CHECK(f.put("/bkt/k", "hello", {{"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="}}).status == 200);
  CHECK(f.code(f.put("/bkt/k", "other", {{"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="}})) == "BadDigest");
  CHECK(f.code(f.put("/bkt/k", "hello", {{"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg"}})) == "InvalidDigest");
  CHECK(f.code(f.put("/bkt/k", "hello", {{"Content-MD5", "AAAA"}})) == "InvalidDigest");
  CHECK(f.code(f.put("/bkt/k", "hello", {{"Content-MD5", ""}})) == "InvalidDigest");
  CHECK(f.get("/bkt/k").body == "hello");
}

TEST_CASE("a checksum header is verified, kept, and shown when asked for") {
  s3_fixture f;
  auto a = f.put("/bkt/k", text, {{"x-amz-checksum-crc32", crc32_of(text)}, {"x-amz-sdk-checksum-algorithm", "CRC32"}});
  CHECK(a.status == 200);
  CHECK(a.header("x-amz-checksum-crc32") == crc32_of(text));
  CHECK(a.header("x-amz-checksum-type") == "FULL_OBJECT");
  a = f.get("/bkt/k", {{"x-amz-checksum-mode", "ENABLED"}});
  CHECK(a.header("x-amz-checksum-crc32") == crc32_of(text));
  CHECK(a.header("x-amz-checksum-type") == "FULL_OBJECT");
  CHECK(
    f.call("HEAD", "/bkt/k", {{"x-amz-checksum-mode", "ENABLED"}}).header("x-amz-checksum-crc32") == crc32_of(text));
  // of the whole object only: not with a range
  CHECK(f.get("/bkt/k", {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-3"}})
          .header("x-amz-checksum-crc32")
          .empty());
  CHECK(f.get("/bkt/k").header("x-amz-checksum-crc32").empty());

  CHECK(f.code(f.put("/bkt/k", "other", {{"x-amz-checksum-crc32", crc32_of(text)}})) == "BadDigest");
  CHECK(f.code(f.put("/bkt/k", "other", {{"x-amz-checksum-crc32", "AAA="}})) == "InvalidRequest");
  CHECK(f.code(f.put("/bkt/k", "other",
          {{"x-amz-checksum-crc32", crc32_of("other")},
            {"x-amz-checksum-sha256", base64_encode(sha256(as_bytes("other")))}})) == "InvalidRequest");
  CHECK(f.code(f.put("/bkt/k", "other", {{"x-amz-sdk-checksum-algorithm", "CRC32"}})) == "InvalidRequest");
  CHECK(
    f.code(f.put("/bkt/k", "other",
      {{"x-amz-sdk-checksum-algorithm", "SHA1"}, {"x-amz-checksum-crc32", crc32_of("other")}})) == "InvalidRequest");
  CHECK(f.code(f.put("/bkt/k", "other",
          {{"x-amz-sdk-checksum-algorithm", "MD4"}, {"x-amz-checksum-crc32", crc32_of("other")}})) == "InvalidRequest");
  CHECK(f.get("/bkt/k").body == text);
}

TEST_CASE("an aws-chunked body with a checksum in its trailer is decoded and verified") {
  s3_fixture f;
  auto put = [&](std::string_view trailer, fields more = {}, std::string length = std::to_string(text.size()),
               std::string announced = "x-amz-checksum-crc32") {
    fields headers{{"x-amz-decoded-content-length", length}, {"Content-Encoding", "aws-chunked"}};
    if (!announced.empty()) headers.emplace_back("x-amz-trailer", announced);
    headers.insert(headers.end(), more.begin(), more.end());
    return f.call("PUT", "/bkt/k", headers, unsigned_chunks(text, trailer), {.payload = streaming_trailer});
  };
  auto a = put("x-amz-checksum-crc32:" + crc32_of(text));
  CHECK(a.status == 200);
  CHECK(a.header("x-amz-checksum-crc32") == crc32_of(text));
  a = f.get("/bkt/k");
  CHECK(a.body == text);
  CHECK(a.header("content-encoding").empty());
  f.put("/bkt/k", "old");

  CHECK(f.code(put("x-amz-checksum-crc32:" + crc32_of("other"))) == "BadDigest");
  CHECK(f.code(put("x-amz-checksum-crc32:nonsense")) == "InvalidRequest");
  CHECK(f.code(put("x-amz-checksum-sha1:" + crc32_of(text))) == "MalformedTrailerError");
  CHECK(f.code(put("x-amz-checksum-crc32:" + crc32_of(text), {}, "7")) == "IncompleteBody");
  f.reconnect();
  CHECK(f.code(put("x-amz-checksum-crc32:" + crc32_of(text), {}, "700")) == "IncompleteBody");
  f.reconnect();
  CHECK(f.code(put("x-amz-checksum-crc32:" + crc32_of(text), {}, "x")) == "InvalidArgument");
  CHECK(f.code(put("x-amz-checksum-crc32:" + crc32_of(text), {}, std::to_string(text.size()), "x-amz-something")) ==
    "InvalidRequest");
  CHECK(f.get("/bkt/k").body == "old");
  const auto missing = f.call("PUT", "/bkt/k", {}, unsigned_chunks(text, ""), {.payload = streaming_trailer});
  CHECK(missing.status == 411);
  CHECK(f.code(missing) == "MissingContentLength");
  CHECK(put("x-amz-checksum-crc32:" + crc32_of(text), {{"Transfer-Encoding", "identity"}}).status == 400);
}

TEST_CASE("aws-chunked inside of chunked works, as some SDKs send it") {
  s3_fixture f;
  const auto inner = unsigned_chunks(text, "x-amz-checksum-crc32:" + crc32_of(text));
  std::string outer;
  for (std::size_t at = 0; at < inner.size(); at += 11) {
    const auto piece = inner.substr(at, 11);
    outer += hex(piece.size()) + "\r\n" + piece + "\r\n";
  }
  outer += "0\r\n\r\n";
  const auto request = f.signed_request("PUT", "/bkt/k",
    {{"x-amz-decoded-content-length", std::to_string(text.size())}, {"x-amz-trailer", "x-amz-checksum-crc32"},
      {"Transfer-Encoding", "chunked"}},
    outer, {.payload = streaming_trailer});
  CHECK(f.client->exchange(request).status == 200);
  CHECK(f.get("/bkt/k").body == text);
}

TEST_CASE("a signed aws-chunked body is verified chunk by chunk") {
  s3_fixture f;
  const auto amz_date = format_amz_date(f.clock.at), day = amz_date.substr(0, 8),
             scope = day + "/us-east-1/s3/aws4_request";
  const auto key = sigv4_signing_key(secret_key, day, "us-east-1", "s3");
  auto attempt = [&](bool damaged) {
    fields headers{{"x-amz-decoded-content-length", std::to_string(text.size())}, {"Content-Encoding", "aws-chunked"}};
    auto head = f.signed_request("PUT", "/bkt/k", headers, "", {.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"});
    auto signature = f.between(head, "Signature=", "\r\n");
    std::string body;
    const auto nothing = hex_encode(sha256({}));
    for (std::size_t at = 0; at <= text.size(); at += 20) {
      const auto piece = at + 20 > text.size() && at != 0 && at >= text.size() ? std::string{} : text.substr(at, 20);
      signature = hex_encode(hmac_sha256(key,
        as_bytes("AWS4-HMAC-SHA256-PAYLOAD\n" + amz_date + "\n" + scope + "\n" + signature + "\n" + nothing + "\n" +
          hex_encode(sha256(as_bytes(piece))))));
      body += hex(piece.size()) + ";chunk-signature=" + signature + "\r\n" +
        (damaged && at == 20 ? std::string(piece.size(), '!') : piece) + "\r\n";
    }
    signature = hex_encode(hmac_sha256(key,
      as_bytes(
        "AWS4-HMAC-SHA256-PAYLOAD\n" + amz_date + "\n" + scope + "\n" + signature + "\n" + nothing + "\n" + nothing)));
    body += "0;chunk-signature=" + signature + "\r\n\r\n";
    const auto length = head.find("Content-Length: 0");
    head.replace(length, 17, "Content-Length: " + std::to_string(body.size()));
    return f.client->exchange(head + body);
  };
  CHECK(attempt(false).status == 200);
  CHECK(f.get("/bkt/k").body == text);
  f.put("/bkt/k", "old");
  const auto a = attempt(true);
  CHECK(a.status == 403);
  CHECK(f.code(a) == "SignatureDoesNotMatch");
  f.reconnect();
  CHECK(f.get("/bkt/k").body == "old");
}

TEST_CASE("an upload says how long it is, and is not too long") {
  s3_fixture f;
  f.put("/bkt/k", "old");
  auto a = f.client->exchange(f.signed_request(
    "PUT", "/bkt/k", {{"Transfer-Encoding", "chunked"}}, "3\r\nabc\r\n0\r\n\r\n", {.payload = "UNSIGNED-PAYLOAD"}));
  CHECK(a.status == 411);
  CHECK(f.code(a) == "MissingContentLength");
  f.reconnect();
  auto bare = f.signed_request("PUT", "/bkt/k", {}, "", {});
  bare.erase(bare.find("Content-Length: 0\r\n"), 19);
  CHECK(f.client->exchange(bare).status == 411);
  a = f.client->exchange(f.signed_request("PUT", "/bkt/k",
    {{"Content-Length", "5368709121"}, {"Expect", "100-continue"}}, "", {.payload = "UNSIGNED-PAYLOAD"}));
  CHECK(a.status == 400);
  CHECK(f.code(a) == "EntityTooLarge");
  CHECK(f.between(a.body, "<MaxSizeAllowed>", "</MaxSizeAllowed>") == "5368709120");
  f.reconnect();
  CHECK(f.get("/bkt/k").body == "old");
}

TEST_CASE("a body that stops early is an error, and the old object survives") {
  s3_fixture f;
  f.put("/bkt/k", "old");
  f.client->send(
    f.signed_request("PUT", "/bkt/k", {{"Content-Length", "100"}}, "only this", {.payload = "UNSIGNED-PAYLOAD"}));
  f.client->half_close();
  const auto a = f.client->read();
  CHECK(a.status == 400);
  CHECK(f.code(a) == "IncompleteBody");
  f.reconnect();
  CHECK(f.get("/bkt/k").body == "old");
}

TEST_CASE("a client that waits for 100-continue gets it when its request is good, else the error at once") {
  s3_fixture f;
  f.client->send(f.signed_request(
    "PUT", "/bkt/k", {{"Content-Length", "5"}, {"Expect", "100-continue"}}, "", {.payload = "UNSIGNED-PAYLOAD"}));
  CHECK(f.client->read().status == 100);
  f.client->send("hello");
  CHECK(f.client->read().status == 200);
  f.client->send(f.signed_request("PUT", "/bkt/k", {{"Content-Length", "5"}, {"Expect", "100-continue"}}, "",
    {.payload = "UNSIGNED-PAYLOAD", .secret = "wrong"}));
  CHECK(f.client->read().status == 403);
}
