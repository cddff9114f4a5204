#include "cli/s3_failure.hpp"
#include "cli/s3_xml.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

TEST_CASE("a page of a listing is read with its keys decoded") {
  const auto page = parse_object_page(
    R"(<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>
    <IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>
    <Contents><Key>a%20b+c%2Bd%0A</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e1&quot;</ETag><Size>5368709121</Size></Contents>
    <CommonPrefixes><Prefix>dir%2F</Prefix></CommonPrefixes></ListBucketResult>)");
  REQUIRE(page);
  REQUIRE(page->objects.size() == 1);
  CHECK(page->objects[0].key == "a b c+d\n");
  CHECK(page->objects[0].etag == "e1");
  CHECK(page->objects[0].size == 5368709121u);
  CHECK(page->prefixes == std::vector<std::string>{"dir/"});
  CHECK(page->next == "t1");
}

TEST_CASE("keys stay as they are when the server did not encode them") {
  const auto page =
    parse_object_page("<ListBucketResult><Contents><Key>a+b%20</Key><Size>0</Size></Contents></ListBucketResult>");
  REQUIRE(page);
  CHECK(page->objects[0].key == "a+b%20");
  CHECK(page->next.empty());
}

TEST_CASE("a listing that cannot be continued or understood is an error") {
  for (const auto* xml :
    {"", "not xml", "<Other/>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
      "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key><Size>1</Size></Contents></"
      "ListBucketResult>"}) {
    INFO(xml);
    const auto page = parse_object_page(xml);
    REQUIRE_FALSE(page);
    CHECK(page.error().code == ec::malformed_xml);
  }
}

TEST_CASE("what is sent escapes what XML reserves") {
  const std::vector<std::string> keys{"a<b>&\"c", "line\nbreak"};
  CHECK(delete_objects_xml(keys).find("<Key>a&lt;b&gt;&amp;&#34;c</Key>") != std::string::npos);
  CHECK(delete_objects_xml(keys).find("<Key>line&#10;break</Key>") != std::string::npos);
  const std::vector<finished_part> parts{
    {.number = 1, .etag = "e", .crc64nvme = "AA=="}, {.number = 2, .etag = "f", .crc64nvme = ""}};
  CHECK(complete_upload_xml(parts) ==
    R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>&#34;e&#34;</ETag>)"
    R"(<ChecksumCRC64NVME>AA==</ChecksumCRC64NVME></Part><Part><PartNumber>2</PartNumber><ETag>&#34;f&#34;</ETag></Part></CompleteMultipartUpload>)");
}

TEST_CASE("a refused delete names its key") {
  const auto refused =
    parse_refused_deletes("<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</"
                          "Code><Message>no</Message></Error></DeleteResult>");
  REQUIRE(refused);
  REQUIRE(refused->size() == 1);
  CHECK(refused->front().key == "b");
  CHECK(refused->front().fault.code == "AccessDenied");
}

TEST_CASE("a failure is S3's code, message and request id, with a hint where something can be done") {
  const auto e = failure_of(404,
    "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not "
    "exist</Message><RequestId>42</RequestId></Error>",
    "");
  CHECK(e.code == ec::no_such_bucket);
  CHECK(e.message == "NoSuchBucket: The specified bucket does not exist (request id 42)");
  CHECK(hint_for(e).find("troupe storage mb") != std::string_view::npos);
  CHECK(failure_of(404, "", "7").message == "HTTP 404 Not Found: no such object or bucket (request id 7)");
  CHECK(failure_of(503, "<html>", "").code == ec::slow_down);
  CHECK(failure_of(500, "", "").code == ec::unavailable);
  CHECK(failure_of(400, "<Error><Code>Odd</Code><Message>m</Message></Error>", "").code == ec::bad_request);
}

TEST_CASE("a server's message cannot move the cursor") {
  const auto e = failure_of(400, "<Error><Code>A</Code><Message>x&#13;y\nz</Message></Error>", "");
  CHECK(e.message == "A: x y z");
}
