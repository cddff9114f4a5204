#include "api/s3/errors.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace troupe;
using namespace troupe::s3;

TEST_CASE("every error value has a status, a code and a message of S3") {
  int seen = 0;
  for (int n = 0; n < 256; ++n) {
    const auto code = static_cast<ec>(n);
    if (to_string(code) == "unknown") {
      CHECK(!has_own_row(code));
      CHECK(s3_code_of(code).code == "InternalError");
      continue;
    }
    INFO(to_string(code));
    ++seen;
    CHECK(has_own_row(code));
    const auto& c = s3_code_of(code);
    CHECK(((c.status >= 400 && c.status < 600) || c.status == 304));
    CHECK(!c.code.empty());
    CHECK(c.code.find(' ') == c.code.npos);
    CHECK(!c.message.empty());
  }
  CHECK(seen == 59);
}

TEST_CASE("statuses are those that S3 documents for the code") {
  const std::map<ec, std::pair<int, std::string_view>> want{
    {ec::no_such_key, {404, "NoSuchKey"}},
    {ec::no_such_bucket, {404, "NoSuchBucket"}},
    {ec::no_such_upload, {404, "NoSuchUpload"}},
    {ec::access_denied, {403, "AccessDenied"}},
    {ec::signature_does_not_match, {403, "SignatureDoesNotMatch"}},
    {ec::precondition_failed, {412, "PreconditionFailed"}},
    {ec::not_modified, {304, "NotModified"}},
    {ec::invalid_range, {416, "InvalidRange"}},
    {ec::missing_content_length, {411, "MissingContentLength"}},
    {ec::bucket_not_empty, {409, "BucketNotEmpty"}},
    {ec::conditional_request_conflict, {409, "ConditionalRequestConflict"}},
    {ec::content_sha256_mismatch, {400, "XAmzContentSHA256Mismatch"}},
    {ec::slow_down, {503, "SlowDown"}},
    {ec::no_space, {507, "InsufficientStorage"}},
    {ec::not_implemented, {501, "NotImplemented"}},
    {ec::corrupt, {500, "InternalError"}},
    {ec::not_found, {500, "InternalError"}},
    {ec::not_leader, {503, "ServiceUnavailable"}},
  };
  for (const auto& [code, answer] : want) {
    INFO(to_string(code));
    CHECK(s3_code_of(code).status == answer.first);
    CHECK(s3_code_of(code).code == answer.second);
  }
}

TEST_CASE("an error's XML names code, message, place and request, and escapes what the client sent") {
  const s3_error e = s3_error{ec::no_such_key, "internal words"}.with_element("Extra", "<&>");
  CHECK(error_xml(e, {.resource = "/b/<k>", .bucket = "b", .key = "<k>", .request_id = "0123", .host_id = "node-1"}) ==
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><BucketName>b</BucketName>"
    "<Key>&lt;k&gt;</Key><Extra>&lt;&amp;&gt;</Extra><Resource>/b/&lt;k&gt;</Resource><RequestId>0123</RequestId>"
    "<HostId>node-1</HostId></Error>");
}

TEST_CASE("an error of ours does not tell the client about disks") {
  const s3_error e{ec::io_error, "/var/lib/troupe/volume-3/segment_9: EIO"};
  CHECK(e.text() == "We encountered an internal error. Please try again.");
  CHECK(s3_error{ec::invalid_argument, "precise"}.text() == "precise");
}
