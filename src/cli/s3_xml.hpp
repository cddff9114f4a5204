// s3_xml: the XML of S3's answers that the client reads, and of the two requests it sends.
// What a server sends is not trusted: text that does not parse is an error, never a guess.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

// An ETag as headers and documents have it, without its quotes.
std::string unquoted(std::string_view etag);

struct s3_fault {
  std::string code;
  std::string message;
  std::string request_id;
};
// Nothing when `xml` is not an <Error> document.
std::optional<s3_fault> parse_fault(std::string_view xml);

struct bucket_entry {
  std::string name;
  std::string created; // ISO 8601, as the server wrote it
};
result<std::vector<bucket_entry>> parse_buckets(std::string_view xml);

struct object_entry {
  std::string key;
  std::string modified; // ISO 8601
  std::string etag;     // without quotes
  std::uint64_t size = 0;
};
struct object_page {
  std::vector<object_entry> objects;
  std::vector<std::string> prefixes;
  std::string next; // continuation token; empty: this was the last page
};
result<object_page> parse_object_page(std::string_view xml);

// An unfinished multipart upload.
struct upload_entry {
  std::string key;
  std::string id;
};
struct upload_page {
  std::vector<upload_entry> uploads;
  std::string next_key, next_id; // markers; both empty: the last page
};
result<upload_page> parse_upload_page(std::string_view xml);

// InitiateMultipartUploadResult's UploadId.
result<std::string> parse_upload_id(std::string_view xml);
// The ETag (without quotes) of a CopyObject, CopyPart or CompleteMultipartUpload result.
result<std::string> parse_etag(std::string_view xml);

struct finished_part {
  unsigned number = 0;
  std::string etag;
  std::string crc64nvme; // base64; empty: none
};
std::string complete_upload_xml(std::span<const finished_part>);

std::string delete_objects_xml(std::span<const std::string> keys);
struct refused_delete {
  std::string key;
  s3_fault fault;
};
result<std::vector<refused_delete>> parse_refused_deletes(std::string_view xml);

} // namespace troupe::cli
