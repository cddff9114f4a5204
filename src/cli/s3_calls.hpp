// s3_calls: the S3 operations that the commands use, typed. One request each; pages and parts are the callers' loops.
#pragma once

#include "cli/object_name.hpp"
#include "cli/s3_client.hpp"
#include "cli/s3_xml.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::cli {

// What an object carries besides its bytes. Metadata names without "x-amz-meta-".
struct object_attributes {
  std::string content_type; // empty: the server's default
  name_values metadata;
};

struct object_facts {
  std::uint64_t size = 0;
  std::string etag; // without quotes
  std::string modified;
  std::string version_id; // empty when the bucket keeps none
  object_attributes attributes;
  name_values headers; // all of them, names in lower case
};
// From the head of a GET or HEAD answer; what it does not say stays empty.
object_facts facts_of(const s3_response&);

result<> make_bucket(s3_client&, const std::string& bucket);
result<> remove_bucket(s3_client&, const std::string& bucket);
result<std::vector<bucket_entry>> list_buckets(s3_client&);

struct page_request {
  std::string bucket;
  std::string prefix{};
  std::string delimiter{};
  std::string after{}; // continuation token of the page before
};
result<object_page> list_objects(s3_client&, const page_request&);
// Calls `take` for every page until the last, or until it returns an error.
result<> for_each_page(s3_client&, page_request, const std::function<result<>(object_page&)>& take);

result<object_facts> head_object(s3_client&, const object_name&);
result<> remove_object(s3_client&, const object_name&);
// At most 1000 keys. An error in the result is of the request; what the server refused to delete is its value.
result<std::vector<refused_delete>> remove_objects(
  s3_client&, const std::string& bucket, std::span<const std::string> keys);

// `crc64nvme` is base64 and checked by the server. Returns the ETag.
result<std::string> put_object(
  s3_client&, const object_name&, request_body&, const object_attributes&, const std::string& crc64nvme);

// Returns the upload id. The upload's checksum is a CRC64NVME of the whole object when `checksummed`.
result<std::string> start_upload(s3_client&, const object_name&, const object_attributes&, bool checksummed);
struct upload_part {
  object_name object;
  std::string upload_id;
  unsigned number = 1; // from 1
};
result<finished_part> put_part(s3_client&, const upload_part&, request_body&, const std::string& crc64nvme);
// `crc64nvme` of the whole object, or empty. Returns the ETag.
result<std::string> finish_upload(s3_client&, const object_name&, const std::string& upload_id,
  std::span<const finished_part>, const std::string& crc64nvme);
result<> abort_upload(s3_client&, const object_name&, const std::string& upload_id);
result<upload_page> list_uploads(
  s3_client&, const std::string& bucket, const std::string& after_key, const std::string& after_id);

// Both copy inside the server. Only if the source still has `source_etag`.
result<std::string> copy_object(
  s3_client&, const object_name& from, const object_name& to, const std::string& source_etag);
struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;
};
result<finished_part> copy_part(
  s3_client&, const object_name& from, const upload_part& to, byte_range, const std::string& source_etag);

} // namespace troupe::cli
