#include "s3_fixture.hpp"

#include "api/s3/page_token.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr auto record =
  "<LastModified>2026-10-21T08:00:00.000Z</LastModified><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</"
  "ETag><Size>1</Size><StorageClass>STANDARD</StorageClass>";
const std::string owner = "<Owner>" + std::string{owner_xml} + "</Owner>";

std::string contents(std::string key, bool with_owner) {
  return "<Contents><Key>" + key + "</Key>" + record + (with_owner ? owner : "") + "</Contents>";
}
std::string prefixes(std::string key) { return "<CommonPrefixes><Prefix>" + key + "</Prefix></CommonPrefixes>"; }
std::string version(std::string key) {
  return "<Version><Key>" + key + "</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>" + record + owner +
    "</Version>";
}

void fill(s3_fixture& f, std::initializer_list<const char*> keys) {
  for (std::string k : keys) REQUIRE(f.put("/bkt/" + percent_encode(k, true), "x").status == 200);
}

} // namespace

TEST_CASE("ListObjects shows keys in order, with prefixes rolled up") {
  s3_fixture f;
  fill(f, {"a", "d/1", "d/2", "e", "z"});
  CHECK(f.get("/bkt").body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>" +
        contents("a", true) + contents("d/1", true) + contents("d/2", true) + contents("e", true) +
        contents("z", true)));
  CHECK(f.get("/bkt?delimiter=/&max-keys=2").body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><Marker></Marker><NextMarker>d/</NextMarker><MaxKeys>2</MaxKeys><Delimiter>/</"
      "Delimiter><IsTruncated>true</IsTruncated>" +
        contents("a", true) + prefixes("d/")));
  CHECK(f.get("/bkt?delimiter=/&marker=d/").body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><Marker>d/</Marker><MaxKeys>1000</MaxKeys><Delimiter>/</"
      "Delimiter><IsTruncated>false</IsTruncated>" +
        contents("e", true) + contents("z", true)));
  CHECK(f.get("/bkt?max-keys=1&marker=d/1").body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><Marker>d/1</Marker><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated>" +
        contents("d/2", true)));
}

TEST_CASE("ListObjectsV2 pages by opaque tokens") {
  s3_fixture f;
  fill(f, {"a", "d/1", "d/2", "e", "z"});
  auto a = f.get("/bkt?list-type=2&delimiter=/&max-keys=2");
  const auto token = s3::make_page_token("d/", "");
  CHECK(a.body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><NextContinuationToken>" + token +
        "</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>"
        "<Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>" +
        contents("a", false) + prefixes("d/")));
  a = f.get("/bkt?list-type=2&delimiter=/&max-keys=2&start-after=a&continuation-token=" + percent_encode(token, false));
  CHECK(a.body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><ContinuationToken>" + token +
        "</ContinuationToken><StartAfter>a</StartAfter><KeyCount>2</KeyCount>"
        "<MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>" +
        contents("e", false) + contents("z", false)));
  a = f.get("/bkt?list-type=2&prefix=d/&fetch-owner=true&start-after=d/1");
  CHECK(a.body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix>d/</Prefix><StartAfter>d/1</StartAfter><KeyCount>1</KeyCount><MaxKeys>1000</"
      "MaxKeys><IsTruncated>false</IsTruncated>" +
        contents("d/2", true)));
  for (const auto& bad :
    std::vector<std::string>{"", "x", "AAAA", token.substr(0, token.size() - 4) + "AAAA", "B" + token.substr(1)}) {
    INFO(bad);
    a = f.get("/bkt?list-type=2&continuation-token=" + percent_encode(bad, false));
    CHECK(a.status == 400);
    CHECK(f.code(a) == "InvalidArgument");
  }
  CHECK(f.code(f.get("/bkt?list-type=2&prefix=other&continuation-token=" + percent_encode(token, false))) ==
    "InvalidArgument");
}

TEST_CASE("max-keys is clipped to 1000, and may be 0") {
  s3_fixture f;
  fill(f, {"a"});
  CHECK(f.get("/bkt?max-keys=0").body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix></Prefix><Marker></Marker><MaxKeys>0</MaxKeys><IsTruncated>false</IsTruncated>"));
  CHECK(f.between(f.get("/bkt?max-keys=5000").body, "<MaxKeys>", "</MaxKeys>") == "1000");
  for (auto bad : {"-1", "x", "1x", "2147483648"}) {
    INFO(bad);
    CHECK(f.code(f.get("/bkt?list-type=2&max-keys=" + std::string{bad})) == "InvalidArgument");
  }
  CHECK(f.code(f.get("/absent?list-type=2")) == "NoSuchBucket");
}

TEST_CASE("encoding-type=url encodes keys, prefixes and markers") {
  s3_fixture f;
  fill(f, {"a b/c+d", "a b/\xc3\xa9", "q\x01"});
  auto a = f.get("/bkt?encoding-type=url&prefix=a%20b/&marker=a%20a");
  CHECK(a.body ==
    document("ListBucketResult",
      "<Name>bkt</Name><Prefix>a%20b/</Prefix><Marker>a%20a</Marker><MaxKeys>1000</MaxKeys><EncodingType>url</"
      "EncodingType><IsTruncated>false</IsTruncated>" +
        contents("a%20b/c%2Bd", true) + contents("a%20b/%C3%A9", true)));
  CHECK(f.get("/bkt?list-type=2&encoding-type=url&prefix=q").body.find("<Key>q%01</Key>") != std::string::npos);
  CHECK(f.get("/bkt?list-type=2&prefix=a").body.find("<Key>a b/\xc3\xa9</Key>") != std::string::npos);
  CHECK(f.code(f.get("/bkt?encoding-type=base64")) == "InvalidArgument");
}

TEST_CASE("every object is the one version null") {
  s3_fixture f;
  fill(f, {"a", "d/1", "z"});
  CHECK(f.get("/bkt?versions&delimiter=/").body ==
    document("ListVersionsResult",
      "<Name>bkt</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><MaxKeys>1000</"
      "MaxKeys><Delimiter>/</Delimiter>"
      "<IsTruncated>false</IsTruncated>" +
        version("a") + version("z") + prefixes("d/")));
  CHECK(f.get("/bkt?versions&max-keys=1").body ==
    document("ListVersionsResult",
      "<Name>bkt</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><NextKeyMarker>a</"
      "NextKeyMarker>"
      "<NextVersionIdMarker>null</NextVersionIdMarker><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated>" +
        version("a")));
  CHECK(f.get("/bkt?versions&key-marker=a&version-id-marker=null&prefix=z").body ==
    document("ListVersionsResult",
      "<Name>bkt</Name><Prefix>z</Prefix><KeyMarker>a</KeyMarker><VersionIdMarker>null</VersionIdMarker><MaxKeys>1000</"
      "MaxKeys><IsTruncated>false</IsTruncated>" +
        version("z")));
  CHECK(f.code(f.get("/bkt?versions&version-id-marker=null")) == "InvalidArgument");
}

TEST_CASE("a token names a place for one prefix only") {
  using namespace s3;
  const auto token = make_page_token("some/key", "some/");
  CHECK(*read_page_token(token, "some/") == "some/key");
  CHECK(read_page_token(token, "").error().code == ec::invalid_argument);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(!read_page_token(changed, "some/").has_value());
  }
}
