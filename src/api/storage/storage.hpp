// storage: buckets and objects as plain REST with JSON, under /storage and /buckets of the console port (docs/STORAGE.md).
// The same objects as S3's. Whoever sends a request may do here what they may do in S3.
#pragma once

#include "api/surface_context.hpp"

#include <array>
#include <string>
#include <string_view>

namespace troupe::storage {

struct config {
  surface_context context;
  surveyor_actor surveyor; // for the cluster's status
  std::string owner = "troupe";
};

inline constexpr std::array paths{"/storage", "/buckets"}; // of the console port, and what is below them
// Whether a path is one of these.
bool owns(std::string_view path);
// Throws api_error.
http::handler make_handler(config);
// {"error": {"code", "message"}, "meta": {"request_id", "timestamp"}}
std::string render_error(
  const error&, int& status, std::string_view request_id, std::string& content_type, unix_ms now);

} // namespace troupe::storage
