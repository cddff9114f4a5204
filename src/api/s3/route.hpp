// route: which S3 operation a request is, on which bucket and key. Pure and driven by one table (route_table.cpp), which
// also names every operation that S3 has and Troupe has not: a request never falls through to a handler of another one.
#pragma once

#include "api/s3/errors.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::s3 {

enum class operation : std::uint8_t {
  not_implemented, // S3 has it, Troupe not: 501, and the route's name says which
  not_configured,  // asks for a configuration that no bucket here can have: route.absent is the true answer
  cors_preflight,
  // service
  list_buckets,
  // bucket
  create_bucket,
  delete_bucket,
  head_bucket,
  get_bucket_location,
  get_bucket_versioning,
  get_bucket_acl,
  get_bucket_request_payment,
  get_bucket_accelerate,
  get_bucket_logging,
  get_bucket_notification,
  get_bucket_encryption,
  put_bucket_encryption,
  delete_bucket_encryption,
  list_objects,
  list_objects_v2,
  list_object_versions,
  list_multipart_uploads,
  delete_objects,
  // object
  get_object,
  head_object,
  put_object,
  copy_object,
  delete_object,
  get_object_acl,
  get_object_attributes,
  get_object_tagging,
  get_object_lock_state, // retention, legal hold: absent, but only if the object exists
  create_multipart_upload,
  upload_part,
  upload_part_copy,
  complete_multipart_upload,
  abort_multipart_upload,
  list_parts,
};

struct route {
  operation op = operation::not_implemented;
  const char* name = "-"; // S3's name of the operation
  // Views into the request's host and decoded path.
  std::string_view bucket, key;
  const s3_code* absent = nullptr; // for not_configured
};

using query_view = std::span<const std::pair<std::string, std::string>>;

struct route_input {
  std::string_view method;
  std::string_view host; // as sent, with or without a port
  std::string_view path; // decoded, begins with /
  query_view query;      // decoded
  bool has_copy_source = false;
  // Host suffixes of virtual-host style: <bucket>.<domain>.
  std::span<const std::string> domains;
};

// Errors: ec::method_not_allowed; ec::invalid_argument for two sub-resources at once or half of partNumber and uploadId;
// ec::not_implemented for a write with a parameter that nobody here knows.
result<route> find_route(const route_input&);

// Bucket and key alone, as an error body names them.
struct address {
  std::string_view bucket, key;
};
address find_address(std::string_view host, std::string_view path, std::span<const std::string> domains);

// ---- the table (route_table.cpp)

enum class level : std::uint8_t { service, bucket, object };

struct route_row {
  level at;
  std::string_view method;
  std::string_view parameter; // the sub-resource: the query parameter that must be there; empty for none
  const char* name;
  operation op = operation::not_implemented;
  const s3_code* absent = nullptr;
};

std::span<const route_row> route_rows();

} // namespace troupe::s3
