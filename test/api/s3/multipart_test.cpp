#include "s3_fixture.hpp"

#include "codec/checksum.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string id1 = hex_encode(std::string(15, 'u') + "1");

std::string begin(s3_fixture& f, std::string key, fields headers = {}) {
  auto a = f.call("POST", "/bkt/" + key + "?uploads", headers);
  REQUIRE(a.status == 200);
  return f.between(a.body, "<UploadId>", "</UploadId>");
}

std::string upload(s3_fixture& f, std::string key, std::string id, int number, std::string body, fields headers = {}) {
  auto a = f.put("/bkt/" + key + "?partNumber=" + std::to_string(number) + "&uploadId=" + id, body, headers);
  REQUIRE(a.status == 200);
  return a.header("etag");
}

std::string parts(std::initializer_list<std::pair<int, std::string>> list) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (auto& [number, etag] : list)
    out += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag + "</ETag></Part>";
  return out + "</CompleteMultipartUpload>";
}

const std::string part_a(20, 'a'), part_b(20, 'b');

} // namespace

TEST_CASE("an object is uploaded in parts") {
  s3_fixture f;
  auto a = f.call(
    "POST", "/bkt/dir/k?uploads", {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}, {"x-amz-tagging", "t=1"}});
  CHECK(a.status == 200);
  CHECK(a.body ==
    document("InitiateMultipartUploadResult", "<Bucket>bkt</Bucket><Key>dir/k</Key><UploadId>" + id1 + "</UploadId>"));
  const auto e1 = upload(f, "dir/k", id1, 1, part_a), e3 = upload(f, "dir/k", id1, 3, part_b),
             e4 = upload(f, "dir/k", id1, 4, "end");
  CHECK(e1 == "\"" + hex_encode(md5(as_bytes(part_a))) + "\"");
  CHECK(f.get("/bkt/dir/k").status == 404);
  a = f.call("POST", "/bkt/dir/k?uploadId=" + id1, {}, parts({{1, e1}, {3, e3}, {4, e4}}));
  CHECK(a.status == 200);
  const auto md5s = std::string{as_text(md5(as_bytes(part_a)))} + std::string{as_text(md5(as_bytes(part_b)))} +
    std::string{as_text(md5(as_bytes("end")))};
  const auto etag = hex_encode(md5(as_bytes(md5s))) + "-3";
  CHECK(a.body ==
    document("CompleteMultipartUploadResult",
      "<Location>http://localhost:9000/bkt/dir/k</Location><Bucket>bkt</Bucket><Key>dir/k</Key><ETag>&quot;" + etag +
        "&quot;</ETag>"));
  a = f.get("/bkt/dir/k");
  CHECK(a.body == part_a + part_b + "end");
  CHECK(a.header("etag") == "\"" + etag + "\"");
  CHECK(a.header("content-type") == "text/plain");
  CHECK(a.header("x-amz-meta-a") == "1");
  CHECK(a.header("x-amz-tagging-count") == "1");
  a = f.get("/bkt/dir/k?partNumber=3");
  CHECK(a.status == 206);
  CHECK(a.body == part_b);
  CHECK(a.header("content-range") == "bytes 20-39/43");
  CHECK(a.header("x-amz-mp-parts-count") == "3");
  a = f.call("HEAD", "/bkt/dir/k?partNumber=4");
  CHECK(a.status == 206);
  CHECK(a.header("content-length") == "3");
  CHECK(f.get("/bkt/dir/k?partNumber=2").status == 416);
  a = f.get("/bkt/dir/k?attributes", {{"x-amz-object-attributes", "ObjectParts"}, {"x-amz-max-parts", "2"}});
  CHECK(a.body ==
    document("GetObjectAttributesResponse",
      "<ObjectParts><PartsCount>3</PartsCount><PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>3</"
      "NextPartNumberMarker>"
      "<MaxParts>2</MaxParts><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>20</Size></Part>"
      "<Part><PartNumber>3</PartNumber><Size>20</Size></Part></ObjectParts>"));
  a = f.get("/bkt/dir/k?attributes", {{"x-amz-object-attributes", "ObjectParts"}, {"x-amz-part-number-marker", "3"}});
  CHECK(a.body.find("<IsTruncated>false</IsTruncated><Part><PartNumber>4</PartNumber><Size>3</Size></Part>") !=
    std::string::npos);
}

TEST_CASE("completion is refused when the list is wrong, and the upload stays") {
  s3_fixture f;
  const auto id = begin(f, "k");
  const auto e1 = upload(f, "k", id, 1, part_a), e2 = upload(f, "k", id, 2, "small"),
             e3 = upload(f, "k", id, 3, part_b);
  auto complete = [&](std::string body, fields headers = {}) {
    return f.call("POST", "/bkt/k?uploadId=" + id, headers, body);
  };
  CHECK(f.code(complete(parts({{3, e3}, {1, e1}}))) == "InvalidPartOrder");
  CHECK(f.code(complete(parts({{1, e1}, {1, e1}}))) == "InvalidPartOrder");
  CHECK(f.code(complete(parts({{1, e1}, {4, e1}}))) == "InvalidPart");
  CHECK(f.code(complete(parts({{1, e3}}))) == "InvalidPart");
  CHECK(f.code(complete(parts({{2, e2}, {3, e3}}))) == "EntityTooSmall");
  CHECK(f.code(complete(parts({}))) == "MalformedXML");
  CHECK(f.code(complete("<CompleteMultipartUpload><Part><ETag>x</ETag></Part></CompleteMultipartUpload>")) ==
    "MalformedXML");
  CHECK(f.code(complete("")) == "MalformedXML");
  CHECK(f.code(complete(parts({{0, e1}}))) == "InvalidArgument");
  CHECK(f.code(complete(parts({{10001, e1}}))) == "InvalidArgument");
  CHECK(f.code(complete(parts({{1, e1}}), {{"x-amz-mp-object-size", "21"}})) == "InvalidRequest");
  f.put("/bkt/k", "already there");
  CHECK(complete(parts({{1, e1}}), {{"If-None-Match", "*"}}).status == 412);
  CHECK(f.code(f.call("POST", "/bkt/k?uploadId=" + std::string(32, '0'), {}, parts({{1, e1}}))) == "NoSuchUpload");
  CHECK(f.code(f.call("POST", "/bkt/k?uploadId=nonsense", {}, parts({{1, e1}}))) == "NoSuchUpload");
  CHECK(complete(parts({{1, e1}}), {{"x-amz-mp-object-size", "20"}}).status == 200);
  CHECK(f.get("/bkt/k").body == part_a);
  const auto again = complete(parts({{1, e1}})); // a client that missed the answer asks once more
  CHECK(again.status == 200);
  CHECK(again.body.find("-1&quot;</ETag>") != std::string::npos);
  f.put("/bkt/k", "another");
  CHECK(f.code(complete(parts({{1, e1}}))) == "NoSuchUpload");
}

TEST_CASE("a part has a number, an upload and a length") {
  s3_fixture f;
  const auto id = begin(f, "k");
  for (auto bad : {"0", "10001", "x", "-1", ""}) {
    INFO(bad);
    CHECK(f.code(f.put("/bkt/k?partNumber=" + std::string{bad} + "&uploadId=" + id, "x")) == "InvalidArgument");
  }
  CHECK(f.code(f.put("/bkt/k?partNumber=1", "x")) == "InvalidArgument");
  CHECK(f.code(f.put("/bkt/k?uploadId=" + id, "x")) == "InvalidArgument");
  CHECK(f.code(f.put("/bkt/k?partNumber=1&uploadId=" + std::string(32, 'f'), "x")) == "NoSuchUpload");
  CHECK(f.code(f.put("/bkt/other?partNumber=1&uploadId=" + id, "x")) == "NoSuchUpload");
  CHECK(f.put("/bkt/k?partNumber=10000&uploadId=" + id, "x").status == 200);
  CHECK(f.store.buckets["bkt"].objects.empty());
}

TEST_CASE("an upload that is aborted is gone") {
  s3_fixture f;
  const auto id = begin(f, "k");
  upload(f, "k", id, 1, part_a);
  CHECK(f.call("DELETE", "/bkt/k?uploadId=" + id).status == 204);
  CHECK(f.code(f.call("DELETE", "/bkt/k?uploadId=" + id)) == "NoSuchUpload");
  CHECK(f.code(f.get("/bkt/k?uploadId=" + id)) == "NoSuchUpload");
}

TEST_CASE("parts are listed in pages") {
  s3_fixture f;
  const auto id = begin(f, "dir/k");
  for (int n : {1, 2, 5}) upload(f, "dir/k", id, n, "x");
  const std::string owner = owner_xml;
  auto part = [](int n) {
    return "<Part><PartNumber>" + std::to_string(n) +
      "</PartNumber><LastModified>2026-10-21T08:00:00.000Z</"
      "LastModified><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag><Size>1</Size></Part>";
  };
  auto head = [&](int marker, int next, int most, std::string truncated) {
    return "<Bucket>bkt</Bucket><Key>dir/k</Key><UploadId>" + id + "</UploadId><Initiator>" + owner +
      "</Initiator><Owner>" + owner + "</Owner><StorageClass>STANDARD</StorageClass><PartNumberMarker>" +
      std::to_string(marker) + "</PartNumberMarker><NextPartNumberMarker>" + std::to_string(next) +
      "</NextPartNumberMarker><MaxParts>" + std::to_string(most) + "</MaxParts><IsTruncated>" + truncated +
      "</IsTruncated>";
  };
  const auto target = "/bkt/dir/k?uploadId=" + id;
  CHECK(f.get(target).body == document("ListPartsResult", head(0, 5, 1000, "false") + part(1) + part(2) + part(5)));
  CHECK(f.get(target + "&max-parts=2").body == document("ListPartsResult", head(0, 2, 2, "true") + part(1) + part(2)));
  CHECK(f.get(target + "&max-parts=2&part-number-marker=2").body ==
    document("ListPartsResult", head(2, 5, 2, "false") + part(5)));
  CHECK(f.code(f.get(target + "&max-parts=x")) == "InvalidArgument");
}

TEST_CASE("uploads are listed by key, in pages") {
  s3_fixture f;
  begin(f, "a");
  begin(f, "d/1");
  begin(f, "d/2");
  const std::string owner = owner_xml;
  auto upload_xml = [&](std::string key, char n) {
    return "<Upload><Key>" + key + "</Key><UploadId>" + hex_encode(std::string(15, 'u') + n) +
      "</UploadId><Initiator>" + owner + "</Initiator><Owner>" + owner +
      "</Owner><StorageClass>STANDARD</StorageClass><Initiated>2026-10-21T08:00:00.000Z</Initiated></Upload>";
  };
  CHECK(f.get("/bkt?uploads").body ==
    document("ListMultipartUploadsResult",
      "<Bucket>bkt</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><Prefix></Prefix><MaxUploads>1000</"
      "MaxUploads>"
      "<IsTruncated>false</IsTruncated>" +
        upload_xml("a", '1') + upload_xml("d/1", '2') + upload_xml("d/2", '3')));
  CHECK(f.get("/bkt?uploads&delimiter=/").body ==
    document("ListMultipartUploadsResult",
      "<Bucket>bkt</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><Prefix></Prefix><Delimiter>/</"
      "Delimiter><MaxUploads>1000</MaxUploads>"
      "<IsTruncated>false</IsTruncated>" +
        upload_xml("a", '1') + "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>"));
  const auto first = hex_encode(std::string(15, 'u') + '1');
  CHECK(f.get("/bkt?uploads&max-uploads=1").body ==
    document("ListMultipartUploadsResult",
      "<Bucket>bkt</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker><NextKeyMarker>a</"
      "NextKeyMarker><NextUploadIdMarker>" +
        first + "</NextUploadIdMarker><Prefix></Prefix><MaxUploads>1</MaxUploads><IsTruncated>true</IsTruncated>" +
        upload_xml("a", '1')));
  CHECK(f.get("/bkt?uploads&key-marker=a&upload-id-marker=" + first + "&prefix=d/1").body ==
    document("ListMultipartUploadsResult",
      "<Bucket>bkt</Bucket><KeyMarker>a</KeyMarker><UploadIdMarker>" + first +
        "</UploadIdMarker><Prefix>d/1</Prefix><MaxUploads>1000</MaxUploads>"
        "<IsTruncated>false</IsTruncated>" +
        upload_xml("d/1", '2')));
  CHECK(f.code(f.get("/bkt?uploads&key-marker=a&upload-id-marker=nonsense")) == "InvalidArgument");
  CHECK(f.code(f.get("/absent?uploads")) == "NoSuchBucket");
}

TEST_CASE("a part is copied from an object, or from a range of it") {
  s3_fixture f;
  f.put("/bkt/from", "0123456789abcdefghij");
  const auto id = begin(f, "k");
  auto copy = [&](int n, std::string source, fields more = {}) {
    more.emplace_back("x-amz-copy-source", source);
    return f.put("/bkt/k?partNumber=" + std::to_string(n) + "&uploadId=" + id, "", more);
  };
  auto a = copy(1, "/bkt/from");
  CHECK(a.status == 200);
  const auto whole = hex_encode(md5(as_bytes("0123456789abcdefghij")));
  CHECK(a.body ==
    document(
      "CopyPartResult", "<LastModified>2026-10-21T08:00:00.000Z</LastModified><ETag>&quot;" + whole + "&quot;</ETag>"));
  a = copy(2, "bkt/from", {{"x-amz-copy-source-range", "bytes=2-4"}});
  CHECK(a.status == 200);
  CHECK(f.code(copy(3, "bkt/from", {{"x-amz-copy-source-range", "bytes=2-"}})) == "InvalidArgument");
  CHECK(f.code(copy(3, "bkt/from", {{"x-amz-copy-source-range", "bytes=2-20"}})) == "InvalidRange");
  CHECK(f.code(copy(3, "bkt/absent")) == "NoSuchKey");
  CHECK(copy(3, "bkt/from", {{"x-amz-copy-source-if-none-match", "*"}}).status == 412);
  a = f.call("POST", "/bkt/k?uploadId=" + id, {}, parts({{1, whole}, {2, hex_encode(md5(as_bytes("234")))}}));
  CHECK(a.status == 200);
  CHECK(f.get("/bkt/k").body == "0123456789abcdefghij234");
}

TEST_CASE("an upload has one checksum algorithm, and its parts' checksums make the object's") {
  s3_fixture f;
  auto a = f.call("POST", "/bkt/k?uploads", {{"x-amz-checksum-algorithm", "SHA256"}});
  CHECK(a.header("x-amz-checksum-algorithm") == "SHA256");
  CHECK(a.header("x-amz-checksum-type") == "COMPOSITE");
  const auto id = f.between(a.body, "<UploadId>", "</UploadId>");
  const auto s1 = base64_encode(sha256(as_bytes(part_a))), s2 = base64_encode(sha256(as_bytes(part_b)));
  a = f.put("/bkt/k?partNumber=1&uploadId=" + id, part_a, {{"x-amz-checksum-sha256", s1}});
  CHECK(a.header("x-amz-checksum-sha256") == s1);
  CHECK(f.code(f.put("/bkt/k?partNumber=2&uploadId=" + id, part_b, {{"x-amz-checksum-sha256", s1}})) == "BadDigest");
  const auto e1 = a.header("etag"), e2 = upload(f, "k", id, 2, part_b); // computed though not sent
  CHECK(f.get("/bkt/k?uploadId=" + id)
          .body.find("<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumType>COMPOSITE</"
                     "ChecksumType><Part><PartNumber>1</PartNumber>") != std::string::npos);
  auto body = [&](std::string second) {
    return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + e1 + "</ETag><ChecksumSHA256>" + s1 +
      "</ChecksumSHA256></Part><Part><PartNumber>2</PartNumber><ETag>" + e2 + "</ETag><ChecksumSHA256>" + second +
      "</ChecksumSHA256></Part></CompleteMultipartUpload>";
  };
  const auto target = "/bkt/k?uploadId=" + id;
  CHECK(f.code(f.call("POST", target, {}, body(s1))) == "InvalidPart");
  CHECK(f.code(f.call("POST", target, {{"x-amz-checksum-crc32", "AAAAAA=="}}, body(s2))) == "InvalidRequest");
  CHECK(f.code(f.call("POST", target, {{"x-amz-checksum-type", "FULL_OBJECT"}}, body(s2))) == "InvalidRequest");
  CHECK(f.code(f.call("POST", target, {{"x-amz-checksum-sha256", s1 + "-2"}}, body(s2))) == "BadDigest");
  const auto whole = base64_encode(sha256(as_bytes(*base64_decode(s1) + *base64_decode(s2)))) + "-2";
  a = f.call("POST", target, {{"x-amz-checksum-sha256", whole}, {"x-amz-checksum-type", "COMPOSITE"}}, body(s2));
  CHECK(a.status == 200);
  CHECK(a.body.find("<ChecksumSHA256>" + whole + "</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType>") !=
    std::string::npos);
  a = f.call("HEAD", "/bkt/k", {{"x-amz-checksum-mode", "ENABLED"}});
  CHECK(a.header("x-amz-checksum-sha256") == whole);
  CHECK(a.header("x-amz-checksum-type") == "COMPOSITE");
  CHECK(
    f.call("HEAD", "/bkt/k?partNumber=2", {{"x-amz-checksum-mode", "ENABLED"}}).header("x-amz-checksum-sha256") == s2);
}

TEST_CASE("checksum types go with the algorithms that can have them") {
  s3_fixture f;
  auto begin_with = [&](std::string algorithm, std::string type) {
    fields h;
    if (!algorithm.empty()) h.emplace_back("x-amz-checksum-algorithm", algorithm);
    if (!type.empty()) h.emplace_back("x-amz-checksum-type", type);
    auto a = f.call("POST", "/bkt/k?uploads", h);
    return a.status == 200 ? a.header("x-amz-checksum-type") : f.code(a);
  };
  CHECK(begin_with("CRC32", "") == "COMPOSITE");
  CHECK(begin_with("CRC32", "FULL_OBJECT") == "FULL_OBJECT");
  CHECK(begin_with("crc32c", "FULL_OBJECT") == "FULL_OBJECT");
  CHECK(begin_with("CRC64NVME", "") == "FULL_OBJECT");
  CHECK(begin_with("CRC64NVME", "COMPOSITE") == "InvalidRequest");
  CHECK(begin_with("SHA1", "FULL_OBJECT") == "InvalidRequest");
  CHECK(begin_with("MD4", "") == "InvalidRequest");
  CHECK(begin_with("", "COMPOSITE") == "InvalidRequest");
  CHECK(begin_with("SHA1", "SOMETHING") == "InvalidRequest");
  CHECK(f.code(f.call("POST", "/bkt/k?uploads", {{"x-amz-storage-class", "GLACIER"}})) == "InvalidStorageClass");
}
