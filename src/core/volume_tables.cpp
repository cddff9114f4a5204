#include "core/volume_tables.hpp"

namespace troupe::tables {
namespace {

void append_id(std::string& out, std::uint64_t id) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((id >> shift) & 0xff);
}

} // namespace

std::string volume(std::string_view id) { return std::string(1, volumes).append(id); }
std::string volume_renewal(std::string_view id) { return volume(id) + '\0'; }

std::string kv_shard(std::uint64_t id) {
  std::string row(1, kv_shards);
  append_id(row, id);
  return row;
}

std::string kv_shards_of(std::string_view owner) { return std::string(1, kv_owners).append(owner) + '\0'; }

std::string kv_shard_of(std::string_view owner, std::uint64_t id) {
  auto row = kv_shards_of(owner);
  append_id(row, id);
  return row;
}

std::uint64_t id_of_kv_shard(std::string_view row_key, std::size_t skip_bytes) {
  if (row_key.size() != skip_bytes + 8) return 0;
  std::uint64_t id = 0;
  for (auto c : row_key.substr(skip_bytes)) id = id << 8 | static_cast<unsigned char>(c);
  return id;
}

} // namespace troupe::tables
