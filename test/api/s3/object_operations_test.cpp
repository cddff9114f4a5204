#include "s3_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {
constexpr auto modified = "Wed, 21 Oct 2026 08:00:00 GMT";
constexpr auto md5_of_hello = "5d41402abc4b2a76b9719d911017c592"; // of "hello"
} // namespace

TEST_CASE("an object comes back with the headers it was stored with") {
  s3_fixture f;
  auto a = f.put("/bkt/dir/hello", "hello",
    {{"Content-Type", "text/plain"}, {"Cache-Control", "no-cache"}, {"Content-Disposition", "inline"},
      {"Content-Encoding", "identity"}, {"Content-Language", "en"}, {"Expires", "never"}, {"X-Amz-Meta-Color", "blue"},
      {"x-amz-meta-name", "=?UTF-8?Q?caf=C3=A9?="}, {"x-amz-tagging", "a=1&b=2"}});
  CHECK(a.status == 200);
  CHECK(a.header("etag") == "\"" + std::string{md5_of_hello} + "\"");
  CHECK(a.header("content-length") == "0");
  CHECK(f.store.buckets["bkt"].objects["dir/hello"].record.metadata(1).value() == "caf\xc3\xa9");

  for (std::string method : {"GET", "HEAD"}) {
    INFO(method);
    a = f.call(method, "/bkt/dir/hello");
    CHECK(a.status == 200);
    CHECK(a.body == (method == "GET" ? "hello" : ""));
    CHECK(a.header("content-length") == "5");
    CHECK(a.header("etag") == "\"" + std::string{md5_of_hello} + "\"");
    CHECK(a.header("last-modified") == modified);
    CHECK(a.header("accept-ranges") == "bytes");
    CHECK(a.header("content-type") == "text/plain");
    CHECK(a.header("cache-control") == "no-cache");
    CHECK(a.header("content-disposition") == "inline");
    CHECK(a.header("content-encoding") == "identity");
    CHECK(a.header("content-language") == "en");
    CHECK(a.header("expires") == "never");
    CHECK(a.header("x-amz-meta-color") == "blue");
    CHECK(a.header("x-amz-meta-name") == "=?UTF-8?B?Y2Fmw6k=?=");
    CHECK(a.header("x-amz-tagging-count") == "2");
    CHECK(a.header("x-amz-storage-class").empty());
    CHECK(a.header("x-amz-checksum-crc32").empty());
  }
  CHECK(f.get("/bkt/dir/hello?tagging").body ==
    document(
      "Tagging", "<TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag></TagSet>"));
  CHECK(f.get("/bkt/dir/hello?acl").status == 200);
  CHECK(f.code(f.get("/bkt/dir/hello?retention")) == "InvalidRequest");
}

TEST_CASE("content that is not inlined is streamed") {
  s3_fixture f;
  std::string content;
  for (int i = 0; i < 1000; ++i) content += std::to_string(i);
  CHECK(f.put("/bkt/long", content).status == 200);
  CHECK(f.get("/bkt/long").body == content);
  CHECK(f.get("/bkt/long", {{"Range", "bytes=5-1204"}}).body == content.substr(5, 1200));
  CHECK(f.put("/bkt/empty", "").status == 200);
  auto a = f.get("/bkt/empty");
  CHECK(a.status == 200);
  CHECK(a.header("content-length") == "0");
  CHECK(a.header("content-type") == "binary/octet-stream");
}

TEST_CASE("a read that fails at once is an error, and one that fails on the way is cut") {
  s3_fixture f;
  const std::string content(100, 'x');
  f.put("/bkt/k", content);
  f.store.read_fails_after = 0;
  auto a = f.get("/bkt/k");
  CHECK(a.status == 503);
  CHECK(f.code(a) == "ServiceUnavailable");
  CHECK(a.header("etag").empty());
  f.store.read_fails_after = 50;
  a = f.get("/bkt/k");
  CHECK(a.status == 200);
  CHECK(a.header("content-length") == "100");
  CHECK(!a.complete);
  f.reconnect();
}

TEST_CASE("ranges are answered as S3 answers them") {
  s3_fixture f;
  f.put("/bkt/k", "0123456789");
  auto a = f.get("/bkt/k", {{"Range", "bytes=2-4"}});
  CHECK(a.status == 206);
  CHECK(a.body == "234");
  CHECK(a.header("content-range") == "bytes 2-4/10");
  CHECK(f.get("/bkt/k", {{"Range", "bytes=7-"}}).body == "789");
  CHECK(f.get("/bkt/k", {{"Range", "bytes=-2"}}).body == "89");
  CHECK(f.get("/bkt/k", {{"Range", "bytes=0-1,4-5"}}).status == 200);
  a = f.call("HEAD", "/bkt/k", {{"Range", "bytes=2-4"}});
  CHECK(a.status == 206);
  CHECK(a.header("content-length") == "3");
  a = f.get("/bkt/k", {{"Range", "bytes=10-"}});
  CHECK(a.status == 416);
  CHECK(f.code(a) == "InvalidRange");
  CHECK(a.header("content-range") == "bytes */10");
  CHECK(f.between(a.body, "<ActualObjectSize>", "</ActualObjectSize>") == "10");
  const auto etag = f.get("/bkt/k");
  CHECK(f.get("/bkt/k", {{"Range", "bytes=0-0"}, {"If-Range", etag.header("etag")}}).status == 206);
  CHECK(f.get("/bkt/k", {{"Range", "bytes=0-0"}, {"If-Range", "\"other\""}}).status == 200);
  CHECK(f.get("/bkt/k", {{"Range", "bytes=0-0"}, {"If-Range", modified}}).status == 206);
  a = f.get("/bkt/k?partNumber=1");
  CHECK(a.status == 206);
  CHECK(a.header("content-range") == "bytes 0-9/10");
  CHECK(f.get("/bkt/k?partNumber=2").status == 416);
  CHECK(f.code(f.get("/bkt/k?partNumber=1", {{"Range", "bytes=0-1"}})) == "InvalidRequest");
  CHECK(f.code(f.get("/bkt/k?partNumber=0")) == "InvalidArgument");
}

TEST_CASE("conditional reads answer 304 and 412 as they should") {
  s3_fixture f;
  f.put("/bkt/k", "hello", {{"Cache-Control", "max-age=60"}, {"x-amz-meta-a", "b"}});
  const auto tag = "\"" + std::string{md5_of_hello} + "\"";
  auto a = f.get("/bkt/k", {{"If-None-Match", tag}});
  CHECK(a.status == 304);
  CHECK(a.body.empty());
  CHECK(a.header("etag") == tag);
  CHECK(a.header("last-modified") == modified);
  CHECK(a.header("cache-control") == "max-age=60");
  CHECK(a.header("content-type").empty());
  a = f.get("/bkt/k", {{"If-Match", "\"other\""}});
  CHECK(a.status == 412);
  CHECK(f.code(a) == "PreconditionFailed");
  CHECK(f.between(a.body, "<Condition>", "</Condition>") == "If-Match");
  CHECK(f.call("HEAD", "/bkt/k", {{"If-Match", "\"other\""}}).status == 412);
  CHECK(f.call("HEAD", "/bkt/k", {{"If-Modified-Since", modified}}).status == 304);
  CHECK(f.get("/bkt/k", {{"If-Unmodified-Since", "Wed, 21 Oct 2026 07:59:59 GMT"}}).status == 412);
  CHECK(f.get("/bkt/k", {{"If-Match", tag}, {"If-Unmodified-Since", "Wed, 21 Oct 2026 07:59:59 GMT"}}).status == 200);
  CHECK(f.get("/bkt/k", {{"If-None-Match", "\"other\""}, {"If-Modified-Since", modified}}).status == 200);
  CHECK(f.get("/bkt/absent", {{"If-None-Match", "*"}}).status == 404);
}

TEST_CASE("what is not there is 404, with a body for GET and none for HEAD") {
  s3_fixture f;
  auto a = f.get("/bkt/absent");
  CHECK(a.status == 404);
  CHECK(a.body ==
    std::string{xml_head} +
      "<Error><Code>NoSuchKey</Code><Message>The specified key does not "
      "exist.</Message><BucketName>bkt</BucketName><Key>absent</Key>"
      "<Resource>/bkt/absent</Resource><RequestId>" +
      a.header("x-amz-request-id") + "</RequestId><HostId>node-1</HostId></Error>");
  a = f.call("HEAD", "/bkt/absent");
  CHECK(a.status == 404);
  CHECK(a.body.empty());
  CHECK(f.code(f.get("/absent/k")) == "NoSuchBucket");
  CHECK(f.code(f.put("/absent/k", "x")) == "NoSuchBucket");
  f.put("/bkt/k", "x");
  CHECK(f.get("/bkt/k?versionId=null").status == 200);
  CHECK(f.code(f.get("/bkt/k?versionId=abc")) == "NoSuchVersion");
  CHECK(f.code(f.get("/bkt/k?versionId=")) == "InvalidArgument");
  CHECK(f.code(f.call("DELETE", "/bkt/k?versionId=abc")) == "NoSuchVersion");
  CHECK(f.get("/bkt/k").status == 200);
}

TEST_CASE("keys are bytes: they are not normalised, and bounded") {
  s3_fixture f;
  for (const auto& target : std::vector<std::string>{"/bkt//", "/bkt/a//b", "/bkt/a/../b", "/bkt/a%2Fb%20c+d%3F",
         "/bkt/%C3%A9%E2%82%AC", "/bkt/" + std::string(1024, 'k')}) {
    INFO(target);
    CHECK(f.put(target, target).status == 200);
    CHECK(f.get(target).body == target);
  }
  CHECK(f.store.buckets["bkt"].objects.contains("a/b c+d?"));
  CHECK(f.store.buckets["bkt"].objects.contains("a/../b"));
  CHECK(f.code(f.put("/bkt/" + std::string(1025, 'k'), "x")) == "KeyTooLongError");
  auto a = f.raw("GET", "/bkt/a%00b");
  CHECK(a.status == 400);
  CHECK(f.code(a) == "InvalidURI");
}

TEST_CASE("conditional writes hold, or nothing is written") {
  s3_fixture f;
  CHECK(f.put("/bkt/k", "one", {{"If-None-Match", "*"}}).status == 200);
  auto a = f.put("/bkt/k", "two", {{"If-None-Match", "*"}});
  CHECK(a.status == 412);
  CHECK(f.code(a) == "PreconditionFailed");
  const auto tag = f.get("/bkt/k").header("etag");
  CHECK(f.put("/bkt/k", "two", {{"If-Match", "\"other\""}}).status == 412);
  CHECK(f.put("/bkt/k", "two", {{"If-Match", tag}}).status == 200);
  CHECK(f.put("/bkt/absent", "x", {{"If-Match", tag}}).status == 404);
  CHECK(f.code(f.put("/bkt/k", "x", {{"If-Match", "\"a\", \"b\""}})) == "NotImplemented");
  CHECK(f.get("/bkt/k").body == "two");
  CHECK(f.call("DELETE", "/bkt/k", {{"If-Match", "\"other\""}}).status == 412);
  CHECK(f.call("DELETE", "/bkt/k", {{"If-Match", f.get("/bkt/k").header("etag")}}).status == 204);
  CHECK(f.get("/bkt/k").status == 404);
}

TEST_CASE("deleting what is not there is fine") {
  s3_fixture f;
  auto a = f.call("DELETE", "/bkt/absent");
  CHECK(a.status == 204);
  CHECK(a.body.empty());
  CHECK(f.code(f.call("DELETE", "/absent/k")) == "NoSuchBucket");
}

TEST_CASE("headers that a write can not honour are refused before anything changes") {
  s3_fixture f;
  f.put("/bkt/k", "old");
  for (const auto& h : fields{{"x-amz-server-side-encryption", "aws:kms"}, {"x-amz-acl", "public-read"},
         {"x-amz-object-lock-mode", "GOVERNANCE"}, {"x-amz-grant-read", "id=1"},
         {"x-amz-website-redirect-location", "/x"}, {"x-amz-write-offset-bytes", "3"}}) {
    INFO(h.first);
    auto a = f.put("/bkt/k", "new", {h});
    CHECK(a.status == 501);
    CHECK(f.message(a).find(h.first) != std::string::npos);
  }
  CHECK(f.code(f.put("/bkt/k", "new", {{"x-amz-storage-class", "GLACIER"}})) == "InvalidStorageClass");
  CHECK(f.code(f.put("/bkt/k", "new", {{"x-amz-meta-a", std::string(2049, 'v')}})) == "MetadataTooLarge");
  CHECK(f.get("/bkt/k").body == "old");
  CHECK(
    f.put("/bkt/k", "new", {{"x-amz-acl", "private"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}).status == 200);
  CHECK(f.call("HEAD", "/bkt/k").header("x-amz-storage-class") == "REDUCED_REDUNDANCY");
}

TEST_CASE("many objects are deleted by one request, each with its own result") {
  s3_fixture f;
  for (auto k : {"a", "b", "c", "stays"}) f.put("/bkt/" + std::string{k}, "x");
  f.store.undeletable.insert("stays");
  const std::string body = "<Delete "
                           "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></"
                           "Object><Object><Key>absent</Key><VersionId>null</VersionId></Object>"
                           "<Object><Key>stays</Key></Object><Object><Key>b</Key><VersionId>v1</VersionId></"
                           "Object><Object><Key>c</Key><ETag>other</ETag></Object></Delete>";
  const auto md5_header = base64_encode(md5(as_bytes(body)));
  auto a = f.call("POST", "/bkt?delete", {{"Content-MD5", md5_header}}, body);
  CHECK(a.status == 200);
  CHECK(a.body ==
    document("DeleteResult",
      "<Deleted><Key>a</Key></Deleted><Deleted><Key>absent</Key><VersionId>null</VersionId></Deleted>"
      "<Error><Key>stays</Key><Code>ServiceUnavailable</Code><Message>not now</Message></Error>"
      "<Error><Key>b</Key><VersionId>v1</VersionId><Code>NoSuchVersion</Code><Message>The specified version does not "
      "exist.</Message></Error>"
      "<Error><Key>c</Key><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did "
      "not hold</Message></Error>"));
  CHECK(f.store.buckets["bkt"].objects.size() == 3);

  const std::string quiet = "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>";
  a = f.call("POST", "/bkt?delete", {{"x-amz-checksum-sha256", base64_encode(sha256(as_bytes(quiet)))}}, quiet);
  CHECK(a.body == document("DeleteResult", ""));
  CHECK(f.store.buckets["bkt"].objects.size() == 2);

  a = f.call("POST", "/bkt?delete", {}, quiet);
  CHECK(a.status == 400);
  CHECK(f.message(a) == "Missing required header for this request: Content-MD5");
  CHECK(f.code(f.call("POST", "/bkt?delete", {{"Content-MD5", md5_header}}, quiet)) == "BadDigest");
  CHECK(f.code(f.call("POST", "/bkt?delete", {{"Content-MD5", "no"}}, quiet)) == "InvalidDigest");
  auto checked = [&](std::string text) {
    return f.call("POST", "/bkt?delete", {{"Content-MD5", base64_encode(md5(as_bytes(text)))}}, text);
  };
  CHECK(f.code(checked("<Delete></Delete>")) == "MalformedXML");
  CHECK(f.code(checked("<Delete><Object/></Delete>")) == "MalformedXML");
  CHECK(f.code(checked("not xml")) == "MalformedXML");
  std::string many = "<Delete>", full;
  for (int i = 0; i < 1000; ++i) many += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  full = many + "</Delete>";
  CHECK(checked(full).status == 200);
  CHECK(f.code(checked(many + "<Object><Key>k</Key></Object></Delete>")) == "MalformedXML");
}

TEST_CASE("a copy takes headers, metadata and tags along, or is given new ones") {
  s3_fixture f;
  f.put("/bkt/from%20x", "content to copy",
    {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}, {"x-amz-tagging", "t=1"},
      {"x-amz-checksum-crc32c", base64_encode(std::string{"\0\0\0\0", 4})}});
  CHECK(f.put("/bkt/from%20x", "content to copy",
           {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}, {"x-amz-tagging", "t=1"}})
          .status == 200);
  const auto tag = f.get("/bkt/from%20x").header("etag");
  auto a = f.put("/bkt/to", "", {{"x-amz-copy-source", "/bkt/from%20x"}});
  CHECK(a.status == 200);
  const auto escaped = "&quot;" + tag.substr(1, 32) + "&quot;";
  CHECK(a.body ==
    document("CopyObjectResult", "<LastModified>2026-10-21T08:00:00.000Z</LastModified><ETag>" + escaped + "</ETag>"));
  a = f.get("/bkt/to");
  CHECK(a.body == "content to copy");
  CHECK(a.header("content-type") == "text/plain");
  CHECK(a.header("x-amz-meta-a") == "1");
  CHECK(a.header("x-amz-tagging-count") == "1");

  a = f.put("/bkt/to2", "",
    {{"x-amz-copy-source", "bkt/from%20x?versionId=null"}, {"x-amz-metadata-directive", "REPLACE"},
      {"x-amz-meta-b", "2"}, {"x-amz-tagging-directive", "REPLACE"}, {"x-amz-checksum-algorithm", "SHA256"}});
  CHECK(a.status == 200);
  CHECK(a.body.find("<ChecksumSHA256>" + base64_encode(sha256(as_bytes("content to copy"))) +
          "</ChecksumSHA256><ChecksumType>FULL_OBJECT</ChecksumType>") != std::string::npos);
  a = f.get("/bkt/to2");
  CHECK(a.header("content-type") == "binary/octet-stream");
  CHECK(a.header("x-amz-meta-a").empty());
  CHECK(a.header("x-amz-meta-b") == "2");
  CHECK(a.header("x-amz-tagging-count").empty());
}

TEST_CASE("a copy has conditions, and a source that makes sense") {
  s3_fixture f;
  f.put("/bkt/from", "content to copy");
  const auto tag = f.get("/bkt/from").header("etag");
  auto copy = [&](std::string source, fields more = {}) {
    more.emplace_back("x-amz-copy-source", source);
    return f.put("/bkt/to", "", more);
  };
  CHECK(copy("bkt/from", {{"x-amz-copy-source-if-match", tag}}).status == 200);
  CHECK(copy("bkt/from", {{"x-amz-copy-source-if-match", "\"x\""}}).status == 412);
  CHECK(copy("bkt/from", {{"x-amz-copy-source-if-none-match", tag}}).status == 412);
  CHECK(copy("bkt/from", {{"x-amz-copy-source-if-modified-since", modified}}).status == 412);
  CHECK(copy("bkt/from", {{"x-amz-copy-source-if-unmodified-since", modified}}).status == 200);
  CHECK(copy("bkt/from", {{"If-None-Match", "*"}}).status == 412);
  CHECK(f.code(copy("bkt/absent")) == "NoSuchKey");
  CHECK(f.code(copy("absent/k")) == "NoSuchBucket");
  CHECK(f.code(copy("bkt")) == "InvalidArgument");
  CHECK(f.code(copy("bkt/")) == "InvalidArgument");
  CHECK(f.code(copy("bkt/%zz")) == "InvalidArgument");
  CHECK(f.code(copy("Bad_Name/k")) == "InvalidBucketName");
  CHECK(f.code(copy("bkt/from?versionId=abc")) == "NoSuchVersion");
  CHECK(f.code(copy("bkt/from", {{"x-amz-metadata-directive", "MERGE"}})) == "InvalidArgument");
  auto a = f.put("/bkt/from", "", {{"x-amz-copy-source", "/bkt/from"}});
  CHECK(a.status == 400);
  CHECK(f.code(a) == "InvalidRequest");
  CHECK(f.put("/bkt/from", "",
           {{"x-amz-copy-source", "/bkt/from"}, {"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-new", "1"}})
          .status == 200);
  CHECK(f.call("HEAD", "/bkt/from").header("x-amz-meta-new") == "1");
  CHECK(f.get("/bkt/from").body == "content to copy");
}

TEST_CASE("attributes tell what is known of an object") {
  s3_fixture f;
  f.put("/bkt/k", "hello", {{"x-amz-checksum-sha256", base64_encode(sha256(as_bytes("hello")))}});
  auto a =
    f.get("/bkt/k?attributes", {{"x-amz-object-attributes", "ETag,Checksum,ObjectParts, StorageClass,ObjectSize"}});
  CHECK(a.status == 200);
  CHECK(a.header("last-modified") == modified);
  CHECK(a.body ==
    document("GetObjectAttributesResponse",
      "<ETag>" + std::string{md5_of_hello} + "</ETag><Checksum><ChecksumSHA256>" +
        base64_encode(sha256(as_bytes("hello"))) +
        "</ChecksumSHA256><ChecksumType>FULL_OBJECT</ChecksumType></Checksum><StorageClass>STANDARD</"
        "StorageClass><ObjectSize>5</ObjectSize>"));
  CHECK(f.get("/bkt/k?attributes", {{"x-amz-object-attributes", "ObjectSize"}}).body ==
    document("GetObjectAttributesResponse", "<ObjectSize>5</ObjectSize>"));
  CHECK(f.code(f.get("/bkt/k?attributes")) == "InvalidRequest");
  CHECK(f.code(f.get("/bkt/k?attributes", {{"x-amz-object-attributes", "Nonsense"}})) == "InvalidArgument");
  CHECK(f.code(f.get("/bkt/absent?attributes", {{"x-amz-object-attributes", "ETag"}})) == "NoSuchKey");
}
