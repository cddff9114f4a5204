// object_name: how the command line names buckets and objects: BUCKET, BUCKET/KEY, s3://BUCKET/KEY.
// A key is everything after the first slash, byte for byte: "b//a/../c" is bucket "b", key "/a/../c".
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace troupe::cli {

struct object_name {
  std::string bucket;
  std::string key; // may be empty where a bucket or prefix is meant
  std::string text() const { return key.empty() ? bucket : bucket + '/' + key; }
  friend bool operator==(const object_name&, const object_name&) = default;
};

// BUCKET or BUCKET/PREFIX.
result<object_name> parse_bucket_or_object(std::string_view);
// BUCKET/KEY with a key.
result<object_name> parse_object(std::string_view);
// BUCKET alone (a single slash at the end is forgiven).
result<object_name> parse_bucket(std::string_view);

} // namespace troupe::cli
