// tables: the layout of the metadata tables and the encoding of their keys; the only place that knows either.
// A row's key is one table byte, then the parts below. Bucket names hold no NUL (they are checked), so bucket + NUL +
// key sorts by bucket, then by the key's bytes, which is S3's order. Object keys hold no NUL either: refused at the door.
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::tables {

inline constexpr char buckets = 'b';   // name                                   -> bucket_record
inline constexpr char objects = 'o';   // bucket NUL key                         -> object_record
inline constexpr char inlines = 'i';   // bucket NUL key                         -> the content itself
inline constexpr char manifests = 'm'; // manifest id                            -> manifest
inline constexpr char uploads = 'u';   // bucket NUL key NUL upload id           -> upload_record
inline constexpr char parts = 'p';     // upload id, number as 4 bytes BE        -> part_record
inline constexpr char garbage = 'g';   // Raft index 8 bytes BE, op 4 bytes BE   -> garbage_record
inline constexpr char repairs = 'r';   // data id                                -> repair_record
inline constexpr char vacated = 'v';   // data id                                -> vacated_record
inline constexpr char condemned = 'c'; // data id, or era as 8 bytes BE          -> condemned_record
inline constexpr char identity = 'a';  // kind byte, name                        -> core/identity/snapshot.hpp
inline constexpr char system = 's';    // name                                   -> anything
inline constexpr char values = 'k';    // s3db's table NUL key                   -> the value itself
inline constexpr char file_log = 'w';  // file_log.hpp

std::string bucket(std::string_view name);
std::string all_buckets();
std::string object(std::string_view bucket, std::string_view key);
std::string inline_content(std::string_view bucket, std::string_view key);
std::string manifest(const data_id& id);
std::string upload(std::string_view bucket, std::string_view key, const data_id& upload_id);
std::string uploads_of(std::string_view bucket); // prefix of every upload in a bucket
std::string part(const data_id& upload_id, std::uint32_t number);
std::string parts_of(const data_id& upload_id); // prefix
std::string garbage_row(std::uint64_t raft_index, std::uint32_t operation);
std::string repair(const data_id& id);
std::string vacated_row(const data_id& id);
std::string condemned_row(const data_id& id);
std::string condemned_era(std::uint64_t era);
std::string system_row(std::string_view name);
std::string identity_row(char kind, std::string_view name);
std::string value(std::string_view table, std::string_view key); // the key may hold NULs

// The log of files: its active segment; entries by segment and position; closed segments; and the base, what segments that
// are gone said last of a file, by file.
std::string file_log_active();
std::string file_log_entry(std::uint64_t segment, std::uint64_t position);
std::string file_log_entries(std::uint64_t segment); // prefix
std::string file_log_segment(std::uint64_t segment);
std::string file_log_segments(); // prefix
std::string file_log_base(std::string_view file_id);
std::string file_log_bases(); // prefix

// The S3 key inside a row key of table objects; `bucket_bytes` is the bucket name's length.
std::string_view key_of_object(std::string_view row_key, std::size_t bucket_bytes);
struct upload_key {
  std::string key;
  data_id upload_id;
};
upload_key key_of_upload(std::string_view row_key, std::size_t bucket_bytes);

// xxh3-64: what precondition::equals compares.
std::uint64_t digest_of(std::string_view row_value);

} // namespace troupe::tables
