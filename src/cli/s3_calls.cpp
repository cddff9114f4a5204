#include "cli/s3_calls.hpp"

#include "cli/s3_failure.hpp"
#include "cli/s3_xml.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <charconv>

namespace troupe::cli {

namespace {

std::string quoted(const std::string& etag) { return '"' + etag + '"'; }

name_values headers_of(const object_attributes& attributes) {
  name_values headers;
  if (!attributes.content_type.empty()) headers.emplace_back("content-type", attributes.content_type);
  for (const auto& [name, value] : attributes.metadata) headers.emplace_back("x-amz-meta-" + name, value);
  return headers;
}

std::string copy_source(const object_name& from) {
  return '/' + percent_encode(from.bucket, false) + '/' + percent_encode(from.key, true);
}

// S3 may answer 200 before it knows, and then send an error document.
result<std::string> etag_of_late_answer(const s3_response& answer) {
  if (parse_fault(answer.body)) return failure_of(500, answer.body, answer.header("x-amz-request-id"));
  return parse_etag(answer.body);
}

result<> nothing(const result<s3_response>& answer) {
  if (!answer) return answer.error();
  return {};
}

} // namespace

object_facts facts_of(const s3_response& answer) {
  object_facts facts;
  constexpr std::string_view meta = "x-amz-meta-";
  for (const auto& [name, value] : answer.headers)
    if (name.starts_with(meta)) facts.attributes.metadata.emplace_back(name.substr(meta.size()), value);
  const auto length = answer.header("content-length");
  std::from_chars(length.data(), length.data() + length.size(), facts.size);
  facts.etag = unquoted(answer.header("etag"));
  facts.modified = answer.header("last-modified");
  facts.version_id = answer.header("x-amz-version-id");
  facts.attributes.content_type = answer.header("content-type");
  facts.headers = answer.headers;
  return facts;
}

result<> make_bucket(s3_client& c, const std::string& bucket) {
  // Every region but the first must be named in the body: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
  std::string body;
  if (const auto& region = c.where().region; region != "us-east-1")
    body = R"(<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>)" +
      region + "</LocationConstraint></CreateBucketConfiguration>";
  return nothing(c.call({.method = "PUT", .bucket = bucket, .text = body}));
}

result<> remove_bucket(s3_client& c, const std::string& bucket) {
  return nothing(c.call({.method = "DELETE", .bucket = bucket}));
}

result<std::vector<bucket_entry>> list_buckets(s3_client& c) {
  auto answer = c.call({});
  if (!answer) return answer.error();
  return parse_buckets(answer->body);
}

result<object_page> list_objects(s3_client& c, const page_request& r) {
  s3_request request{.bucket = r.bucket, .query = {{"list-type", "2"}, {"encoding-type", "url"}}};
  if (!r.prefix.empty()) request.query.emplace_back("prefix", r.prefix);
  if (!r.delimiter.empty()) request.query.emplace_back("delimiter", r.delimiter);
  if (!r.after.empty()) request.query.emplace_back("continuation-token", r.after);
  auto answer = c.call(request);
  if (!answer) return answer.error();
  return parse_object_page(answer->body);
}

result<> for_each_page(s3_client& c, page_request r, const std::function<result<>(object_page&)>& take) {
  for (;;) {
    auto page = list_objects(c, r);
    if (!page) return page.error();
    auto next = page->next;
    TROUPE_TRY(take(*page));
    if (next.empty()) return {};
    if (next == r.after) return fail(ec::malformed_xml, "the server gives the same continuation token twice");
    r.after = std::move(next);
  }
}

result<object_facts> head_object(s3_client& c, const object_name& name) {
  auto answer =
    c.call({.method = "HEAD", .bucket = name.bucket, .key = name.key, .headers = {{"x-amz-checksum-mode", "ENABLED"}}});
  if (answer) return facts_of(*answer);
  // The answer to HEAD has no body that could say why: ask for one byte to learn it.
  const auto code = answer.error().code;
  if (code != ec::not_found && code != ec::access_denied && code != ec::bad_request) return answer.error();
  s3_request reason{.bucket = name.bucket, .key = name.key, .headers = {{"range", "bytes=0-0"}}};
  if (name.key.empty()) reason.query = {{"list-type", "2"}, {"max-keys", "1"}};
  auto why = c.call(reason);
  return why ? answer.error() : why.error();
}

result<> remove_object(s3_client& c, const object_name& name) {
  return nothing(c.call({.method = "DELETE", .bucket = name.bucket, .key = name.key}));
}

result<std::vector<refused_delete>> remove_objects(
  s3_client& c, const std::string& bucket, std::span<const std::string> keys) {
  const auto body = delete_objects_xml(keys);
  const auto sum = md5(as_bytes(body)); // the operation demands one
  auto answer = c.call({.method = "POST",
    .bucket = bucket,
    .query = {{"delete", ""}},
    .headers = {{"content-md5", base64_encode(bytes_view{sum})}},
    .text = body});
  if (!answer) return answer.error();
  return parse_refused_deletes(answer->body);
}

result<std::string> put_object(s3_client& c, const object_name& name, request_body& body,
  const object_attributes& attributes, const std::string& crc64nvme) {
  auto headers = headers_of(attributes);
  if (!crc64nvme.empty()) headers.emplace_back("x-amz-checksum-crc64nvme", crc64nvme);
  auto answer =
    c.call({.method = "PUT", .bucket = name.bucket, .key = name.key, .headers = std::move(headers), .body = &body});
  if (!answer) return answer.error();
  return unquoted(answer->header("etag"));
}

result<std::string> start_upload(
  s3_client& c, const object_name& name, const object_attributes& attributes, bool checksummed) {
  auto headers = headers_of(attributes);
  if (checksummed) {
    headers.emplace_back("x-amz-checksum-algorithm", "CRC64NVME");
    headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  auto answer = c.call({.method = "POST",
    .bucket = name.bucket,
    .key = name.key,
    .query = {{"uploads", ""}},
    .headers = std::move(headers),
    .again = repeat::when_refused});
  if (!answer) return answer.error();
  return parse_upload_id(answer->body);
}

result<finished_part> put_part(
  s3_client& c, const upload_part& part, request_body& body, const std::string& crc64nvme) {
  name_values query{{"partNumber", std::to_string(part.number)}, {"uploadId", part.upload_id}};
  auto answer = c.call({.method = "PUT",
    .bucket = part.object.bucket,
    .key = part.object.key,
    .query = std::move(query),
    .headers = {{"x-amz-checksum-crc64nvme", crc64nvme}},
    .body = &body});
  if (!answer) return answer.error();
  return finished_part{.number = part.number, .etag = unquoted(answer->header("etag")), .crc64nvme = crc64nvme};
}

result<std::string> finish_upload(s3_client& c, const object_name& name, const std::string& upload_id,
  std::span<const finished_part> parts, const std::string& crc64nvme) {
  const auto body = complete_upload_xml(parts);
  name_values headers{{"content-type", "application/xml"}};
  if (!crc64nvme.empty()) {
    headers.emplace_back("x-amz-checksum-crc64nvme", crc64nvme);
    headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  }
  auto answer = c.call({.method = "POST",
    .bucket = name.bucket,
    .key = name.key,
    .query = {{"uploadId", upload_id}},
    .headers = std::move(headers),
    .text = body,
    .again = repeat::when_refused});
  if (!answer) return answer.error();
  return etag_of_late_answer(*answer);
}

result<> abort_upload(s3_client& c, const object_name& name, const std::string& upload_id) {
  return nothing(
    c.call({.method = "DELETE", .bucket = name.bucket, .key = name.key, .query = {{"uploadId", upload_id}}}));
}

result<upload_page> list_uploads(
  s3_client& c, const std::string& bucket, const std::string& after_key, const std::string& after_id) {
  name_values query{{"uploads", ""}, {"encoding-type", "url"}};
  if (!after_key.empty()) query.emplace_back("key-marker", after_key);
  if (!after_id.empty()) query.emplace_back("upload-id-marker", after_id);
  auto answer = c.call({.bucket = bucket, .query = std::move(query)});
  if (!answer) return answer.error();
  return parse_upload_page(answer->body);
}

result<std::string> copy_object(
  s3_client& c, const object_name& from, const object_name& to, const std::string& source_etag) {
  name_values headers{{"x-amz-copy-source", copy_source(from)}};
  if (!source_etag.empty()) headers.emplace_back("x-amz-copy-source-if-match", quoted(source_etag));
  auto answer = c.call({.method = "PUT", .bucket = to.bucket, .key = to.key, .headers = std::move(headers)});
  if (!answer) return answer.error();
  return etag_of_late_answer(*answer);
}

result<finished_part> copy_part(
  s3_client& c, const object_name& from, const upload_part& to, byte_range range, const std::string& source_etag) {
  name_values query{{"partNumber", std::to_string(to.number)}, {"uploadId", to.upload_id}};
  const auto bytes = "bytes=" + std::to_string(range.first) + "-" + std::to_string(range.first + range.bytes - 1);
  name_values headers{{"x-amz-copy-source", copy_source(from)}, {"x-amz-copy-source-range", bytes},
    {"x-amz-copy-source-if-match", quoted(source_etag)}};
  auto answer = c.call({.method = "PUT",
    .bucket = to.object.bucket,
    .key = to.object.key,
    .query = std::move(query),
    .headers = std::move(headers)});
  if (!answer) return answer.error();
  auto etag = etag_of_late_answer(*answer);
  if (!etag) return etag.error();
  return finished_part{.number = to.number, .etag = *std::move(etag), .crc64nvme = {}};
}

} // namespace troupe::cli
