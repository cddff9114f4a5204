#include "s3_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("only a request signed with a known key is served") {
  s3_fixture f;
  f.put("/bkt/k", "content");
  auto a = f.raw("GET", "/bkt/k");
  CHECK(a.status == 403);
  CHECK(f.code(a) == "AccessDenied");
  CHECK(f.between(a.body, "<Key>", "</Key>") == "k");

  a = f.call("GET", "/bkt/k", {}, {}, {.secret = "another"});
  CHECK(a.status == 403);
  CHECK(f.code(a) == "SignatureDoesNotMatch");
  a = f.call("GET", "/bkt/k", {}, {}, {.key = "AKIDUNKNOWN"});
  CHECK(a.status == 403);
  CHECK(f.code(a) == "InvalidAccessKeyId");
  a = f.call("GET", "/bkt/k", {}, {}, {.signed_ms_ago = 16 * 60 * 1000});
  CHECK(a.status == 403);
  CHECK(f.code(a) == "RequestTimeTooSkewed");
  a = f.call("GET", "/bkt/k", {}, {}, {.region = "eu-west-1"});
  CHECK(a.status == 400);
  CHECK(f.code(a) == "AuthorizationHeaderMalformed");
  CHECK(f.between(a.body, "<Region>", "</Region>") == "us-east-1");
  CHECK(f.call("HEAD", "/bkt/k", {}, {}, {.secret = "another"}).status == 403);
  CHECK(f.get("/bkt/k").body == "content");
}

TEST_CASE("signature version 2 is told what to use instead") {
  s3_fixture f;
  const std::string words =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
  auto a = f.raw("GET", "/bkt/k",
    {{"Host", "localhost"}, {"Authorization", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="},
      {"Date", "Wed, 21 Oct 2026 08:00:00 GMT"}});
  CHECK(a.status == 400);
  CHECK(f.code(a) == "InvalidRequest");
  CHECK(f.message(a) == words);
  a = f.raw("GET", "/bkt/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=x&Expires=1");
  CHECK(a.status == 400);
  CHECK(f.message(a) == words);
  a = f.raw("PUT", "/bkt/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=x&Expires=1", {{"Host", "localhost"}}, "x");
  CHECK(f.message(a) == words);
}

TEST_CASE("temporary credentials are refused, as none are issued") {
  s3_fixture f;
  auto a = f.get("/", {{"x-amz-security-token", "abc"}});
  CHECK(a.status == 400);
  CHECK(f.code(a) == "InvalidToken");
}

TEST_CASE("a presigned URL is as good as its signature, until it expires") {
  s3_fixture f;
  auto presigned = [&](std::string_view method, std::string target, std::int64_t seconds = 60) {
    uri u;
    REQUIRE(u.parse(target));
    std::vector<header_view> headers{{"Host", "localhost:9000"}};
    return std::string{u.raw_path} + "?" +
      presign({.method = method, .path = u.path, .query = u.query, .headers = headers},
        {.access_key = access_key, .secret_key = secret_key}, seconds, f.clock.at);
  };
  CHECK(f.raw("PUT", presigned("PUT", "/bkt/dir/k"), {{"Host", "localhost:9000"}}, "signed in the URL").status == 200);
  CHECK(f.raw("GET", presigned("GET", "/bkt/dir/k")).body == "signed in the URL");
  CHECK(f.raw("HEAD", presigned("HEAD", "/bkt/dir/k")).header("content-length") == "17");
  auto a = f.raw(
    "GET", presigned("GET", "/bkt/dir/k?response-content-type=text%2Fplain&response-content-disposition=attachment"));
  CHECK(a.header("content-type") == "text/plain");
  CHECK(a.header("content-disposition") == "attachment");
  CHECK(f.code(f.raw("GET", presigned("PUT", "/bkt/dir/k"))) == "SignatureDoesNotMatch");
  CHECK(f.code(f.raw("GET", presigned("GET", "/bkt/dir/k") + "x")) == "SignatureDoesNotMatch");
  const auto late = presigned("GET", "/bkt/dir/k", 60);
  f.clock.at += 61'000;
  a = f.raw("GET", late);
  CHECK(a.status == 403);
  CHECK(f.code(a) == "AccessDenied");
  CHECK(f.message(a) == "Request has expired");
  CHECK(f.raw("DELETE", presigned("DELETE", "/bkt/dir/k")).status == 204);
  CHECK(f.store.buckets["bkt"].objects.empty());
}

TEST_CASE("parameters that a signer hoisted from headers count as headers") {
  s3_fixture f;
  auto put = [&](std::string target, std::string body) {
    uri u;
    REQUIRE(u.parse(target));
    std::vector<header_view> headers{{"Host", "localhost:9000"}};
    return f.raw("PUT",
      std::string{u.raw_path} + "?" +
        presign({.method = "PUT", .path = u.path, .query = u.query, .headers = headers},
          {.access_key = access_key, .secret_key = secret_key}, 60, f.clock.at),
      {{"Host", "localhost:9000"}}, body);
  };
  CHECK(put("/bkt/k?x-amz-meta-color=blue&x-amz-storage-class=REDUCED_REDUNDANCY", "x").status == 200);
  auto a = f.call("HEAD", "/bkt/k");
  CHECK(a.header("x-amz-meta-color") == "blue");
  CHECK(a.header("x-amz-storage-class") == "REDUCED_REDUNDANCY");
  CHECK(f.code(put("/bkt/k?x-amz-acl=public-read", "y")) == "NotImplemented");
  CHECK(f.code(put("/bkt/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", "not empty")) ==
    "BadDigest");
}

TEST_CASE("a bucket may come as part of the host") {
  s3_fixture f;
  CHECK(f.call("PUT", "/dir/k", {}, "by host", {.host = "bkt.localhost:9000"}).status == 200);
  CHECK(f.get("/bkt/dir/k").body == "by host");
  CHECK(f.call("GET", "/dir/k", {}, {}, {.host = "bkt.s3.localhost"}).body == "by host");
  CHECK(f.code(f.call("GET", "/dir/k", {}, {}, {.host = "absent.localhost"})) == "NoSuchBucket");
  CHECK(f.call("PUT", "/", {}, "", {.host = "made-by-host.localhost"}).status == 200);
  CHECK(f.store.buckets.contains("made-by-host"));
}

TEST_CASE("a preflight is answered without signature: CORS is not enabled") {
  s3_fixture f;
  auto a = f.raw("OPTIONS", "/bkt/k",
    {{"Host", "localhost"}, {"Origin", "https://example.org"}, {"Access-Control-Request-Method", "PUT"}});
  CHECK(a.status == 403);
  CHECK(f.code(a) == "AccessForbidden");
}
