// call: one authenticated request on its way through the handler of its operation.
#pragma once

#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/s3/auth.hpp"
#include "api/s3/errors.hpp"
#include "api/s3/payload.hpp"
#include "api/s3/route.hpp"
#include "api/s3/surface.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe::s3 {

inline constexpr std::uint64_t upload_bytes_max = std::uint64_t{5} << 30; // one PUT, one part, one copy

struct call {
  const surface_config& config;
  http::request& req;
  http::response& res;
  object_store& store;
  route where;
  sigv4_identity signature;
  identity::principal who;
  // The request's headers; of a presigned request also the x-amz-... parameters that S3 reads like headers.
  std::span<const http::header> headers;

  std::string bucket() const { return std::string{where.bucket}; }
  std::string key() const { return std::string{where.key}; }
  std::string_view header(std::string_view name) const;
  // Null when absent.
  const std::string* query(std::string_view name) const { return req.target().q(name); }
  std::string query_or_empty(std::string_view name) const;
  // A decimal parameter within bounds; ec::invalid_argument names it otherwise.
  std::uint32_t number(std::string_view name, std::uint32_t fallback, std::uint32_t least, std::uint32_t most) const;

  // The content as it is declared and will be checked. Throws for what is already wrong with the headers.
  payload content(checksums_of whose = checksums_of::content) { return payload{req, headers, signature, whose}; }
  // 200 and this XML.
  http::task<> send_xml(std::string body);
};

// One handler an operation. They throw s3_error.
http::task<> on_list_buckets(call&);
http::task<> on_create_bucket(call&);
http::task<> on_head_bucket(call&);
http::task<> on_delete_bucket(call&);
http::task<> on_get_bucket_location(call&);
http::task<> on_bucket_configuration(call&); // every GET whose true answer is "never configured"
http::task<> on_get_object_acl(call&);
http::task<> on_get_object_lock_state(call&);
http::task<> on_list_objects(call&); // both versions
http::task<> on_list_object_versions(call&);
http::task<> on_get_object(call&); // and HEAD
http::task<> on_get_object_attributes(call&);
http::task<> on_get_object_tagging(call&);
http::task<> on_put_object(call&);
http::task<> on_copy_object(call&);
http::task<> on_delete_object(call&);
http::task<> on_delete_objects(call&);
http::task<> on_get_bucket_encryption(call&); // encryption.cpp
http::task<> on_put_bucket_encryption(call&);
http::task<> on_delete_bucket_encryption(call&);
http::task<> on_create_multipart_upload(call&);
http::task<> on_upload_part(call&);
http::task<> on_upload_part_copy(call&);
http::task<> on_complete_multipart_upload(call&);
http::task<> on_abort_multipart_upload(call&);
http::task<> on_list_parts(call&);
http::task<> on_list_multipart_uploads(call&);

} // namespace troupe::s3
