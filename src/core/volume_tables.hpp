// volume_tables: the metadata tables of the shards surface and the encoding of their keys, as core/tables.hpp for objects.
// Their first bytes are V, S and T; the next free id is a row of table system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::tables {

inline constexpr char volumes = 'V';   // id, or id NUL                        -> volume_row, volume_renewal
inline constexpr char kv_shards = 'S'; // id as 8 bytes BE                     -> kv_shard_row
inline constexpr char kv_owners = 'T'; // client id NUL shard id as 8 bytes BE -> nothing

std::string volume(std::string_view id);
std::string volume_renewal(std::string_view id);
std::string kv_shard(std::uint64_t id);
std::string kv_shard_of(std::string_view owner, std::uint64_t id);
std::string kv_shards_of(std::string_view owner);                               // prefix
std::uint64_t id_of_kv_shard(std::string_view row_key, std::size_t skip_bytes); // 0: not such a key

} // namespace troupe::tables
