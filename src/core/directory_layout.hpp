// directory_layout: where a key of the directory is: which of M disk buckets, and in which row (docs/decisions/0009).
// A disk bucket is a prefix of the hidden bucket ".directory": EPOCH/BUCKET/key, both numbers in hex of fixed width, so that
// the rows of an epoch, and of each of its buckets, are one range each, and later epochs sort behind earlier ones. Pure.
#pragma once

#include "base/error.hpp"
#include "directory.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

inline constexpr std::string_view directory_bucket = ".directory"; // no name that S3 takes begins with a dot
inline constexpr std::uint32_t disk_buckets_default = 2;
inline constexpr std::uint32_t disk_buckets_max = 4096;
inline constexpr std::size_t directory_key_bytes_max = 1024;

// The SHA-256 of the key as one large number, big end first, modulo `divisor`, which is not 0.
std::uint32_t sha256_modulo(std::string_view key, std::uint32_t divisor);

// The last decimal digit of that number.
std::string directory_digest(std::string_view key);

struct disk_bucket {
  std::uint64_t epoch = 1;
  std::uint32_t id = 0;
  friend bool operator==(const disk_bucket&, const disk_bucket&) = default;
};

class directory_layout {
public:
  directory_layout() = default; // the first epoch, with disk_buckets_default
  // ec::corrupt: no layout of ours.
  static result<directory_layout> parse(std::string_view row);
  static std::string row_key(); // in the metadata tables
  std::string row() const;

  std::uint64_t epoch() const { return epoch_; }
  std::uint32_t buckets() const { return buckets_; }
  bool moving() const { return previous_epoch_ != 0; } // keys may still be in a bucket of the epoch before
  std::uint64_t previous_epoch() const { return previous_epoch_; }
  std::uint32_t previous_buckets() const { return previous_buckets_; }

  disk_bucket home_of(std::string_view key) const { return {epoch_, sha256_modulo(key, buckets_)}; }
  std::optional<disk_bucket> previous_home_of(std::string_view key) const; // nothing when nothing moves

  // ec::bad_argument: not 1..disk_buckets_max. ec::conflict: keys still move from an earlier resize. The same number is
  // the same layout.
  result<directory_layout> resized(std::uint32_t buckets) const;
  // Without the epoch before, which is empty.
  directory_layout settled() const;

  friend bool operator==(const directory_layout&, const directory_layout&) = default;

private:
  std::uint64_t epoch_ = 1;
  std::uint32_t buckets_ = disk_buckets_default;
  std::uint64_t previous_epoch_ = 0;
  std::uint32_t previous_buckets_ = 0;
};

// Object keys in directory_bucket.
std::string epoch_prefix(std::uint64_t epoch);
std::string bucket_prefix(const disk_bucket&);
std::string object_key(const disk_bucket&, std::string_view key);
struct placed_key {
  disk_bucket where;
  std::string_view key; // into the object key
};
std::optional<placed_key> parse_object_key(std::string_view);

} // namespace troupe
