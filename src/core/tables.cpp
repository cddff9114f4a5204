#include "core/tables.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace troupe::tables {
namespace {

void append_be(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
}

std::string in_bucket(char table, std::string_view bucket, std::string_view key) {
  std::string row;
  row.reserve(2 + bucket.size() + key.size());
  row += table;
  row += bucket;
  row += '\0';
  row += key;
  return row;
}

} // namespace

std::string bucket(std::string_view name) { return std::string(1, buckets).append(name); }
std::string all_buckets() { return std::string(1, buckets); }
std::string object(std::string_view bucket, std::string_view key) { return in_bucket(objects, bucket, key); }
std::string inline_content(std::string_view bucket, std::string_view key) { return in_bucket(inlines, bucket, key); }
std::string manifest(const data_id& id) { return std::string(1, manifests) + id.to_bytes(); }

std::string upload(std::string_view bucket, std::string_view key, const data_id& upload_id) {
  auto row = in_bucket(uploads, bucket, key);
  row += '\0';
  row += upload_id.to_bytes();
  return row;
}

std::string uploads_of(std::string_view bucket) { return in_bucket(uploads, bucket, {}); }

std::string part(const data_id& upload_id, std::uint32_t number) {
  auto row = parts_of(upload_id);
  append_be(row, number, 4);
  return row;
}

std::string parts_of(const data_id& upload_id) { return std::string(1, parts) + upload_id.to_bytes(); }

std::string garbage_row(std::uint64_t raft_index, std::uint32_t operation) {
  std::string row(1, garbage);
  append_be(row, raft_index, 8);
  append_be(row, operation, 4);
  return row;
}

std::string repair(const data_id& id) { return std::string(1, repairs) + id.to_bytes(); }
std::string vacated_row(const data_id& id) { return std::string(1, vacated) + id.to_bytes(); }
std::string condemned_row(const data_id& id) { return std::string(1, condemned) + id.to_bytes(); }
std::string condemned_era(std::uint64_t era) {
  std::string row(1, condemned);
  append_be(row, era, 8);
  return row;
}
std::string identity_row(char kind, std::string_view name) { return std::string{identity, kind}.append(name); }
std::string system_row(std::string_view name) { return std::string(1, system).append(name); }

std::string value(std::string_view table, std::string_view key) { return in_bucket(values, table, key); }

std::string file_log_active() { return {file_log, 'a'}; }
std::string file_log_entries(std::uint64_t segment) {
  std::string row{file_log, 'e'};
  append_be(row, segment, 8);
  return row;
}
std::string file_log_entry(std::uint64_t segment, std::uint64_t position) {
  auto row = file_log_entries(segment);
  append_be(row, position, 8);
  return row;
}
std::string file_log_segments() { return {file_log, 's'}; }
std::string file_log_segment(std::uint64_t segment) {
  auto row = file_log_segments();
  append_be(row, segment, 8);
  return row;
}
std::string file_log_bases() { return {file_log, 'b'}; }
std::string file_log_base(std::string_view file_id) { return file_log_bases().append(file_id); }

std::string_view key_of_object(std::string_view row_key, std::size_t bucket_bytes) {
  auto skip = bucket_bytes + 2;
  return row_key.size() < skip ? std::string_view{} : row_key.substr(skip);
}

upload_key key_of_upload(std::string_view row_key, std::size_t bucket_bytes) {
  constexpr std::size_t id_bytes = 16;
  auto rest = key_of_object(row_key, bucket_bytes);
  if (rest.size() < id_bytes + 1) return {};
  return {
    std::string{rest.substr(0, rest.size() - id_bytes - 1)}, data_id::from_bytes(rest.substr(rest.size() - id_bytes))};
}

std::uint64_t digest_of(std::string_view row_value) { return XXH3_64bits(row_value.data(), row_value.size()); }

} // namespace troupe::tables
