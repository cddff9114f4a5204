// names: which bucket names, object keys and version ids can exist.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
#pragma once

#include "base/error.hpp"

#include <string_view>

namespace troupe::s3 {

inline constexpr std::size_t key_bytes_max = 1024;

// ec::invalid_bucket_name. The rules of general purpose buckets; nothing else is ever stored.
result<> check_bucket_name(std::string_view name);
// 1 to 1024 bytes of UTF-8 without NUL (the tables' separator): ec::key_too_long, ec::invalid_argument, ec::invalid_uri.
result<> check_key(std::string_view key);
// Buckets have no versioning, so each object has the one version "null": ec::no_such_version for any other.
result<> check_version_id(std::string_view version_id);

} // namespace troupe::s3
