// global_state: seed 004's GlobalState over the metadata group: tables of small values by key, as plain calls. One class for
// both of its forms: the group is one member in this process (`troupe dev`, its LocalState) or the cluster's Raft group
// through the METADATA ROUTER (its DistributedState); which one, the role decides. Reads are linearizable, on any node; a
// write is on a majority's disks when its call returns. For one request: made and used on its io thread.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/asio.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {
class actor_bridge;
}

namespace troupe::s3db {

inline constexpr std::size_t table_bytes_max = 64;
inline constexpr std::size_t key_bytes_max = 1024;
inline constexpr std::size_t value_bytes_max = std::size_t{1} << 20;
inline constexpr std::uint32_t scan_items_max = 10'000; // and about 8 MiB

// 1..64 of letters, digits, '.', '_' and '-'. ec::bad_argument.
result<> check_table(std::string_view);
// 1..1024 bytes, any. ec::bad_argument.
result<> check_key(std::string_view);

class global_state {
public:
  global_state(http::actor_bridge& bridge, metadata_actor metadata, wall_clock& clock, const trace_context& trace)
      : bridge_(bridge), metadata_(std::move(metadata)), clock_(clock), trace_(trace) {}

  http::task<result<std::string>> get(std::string table, std::string key); // ec::no_such_key
  http::task<result<>> set(std::string table, std::string key, std::string value);
  http::task<result<>> erase(std::string table, std::string key); // of what is not there: fine
  http::task<result<bool>> exists(std::string table, std::string key);

  struct page {
    std::vector<std::pair<std::string, std::string>> items; // keys ascending, with their values
    bool truncated = false;                                 // go on after the last key
  };
  // Keys that begin with `prefix`, after `start_after`; limit: 1..scan_items_max.
  http::task<result<page>> scan(std::string table, std::string prefix, std::string start_after, std::uint32_t limit);
  http::task<result<std::vector<std::string>>> list_keys(std::string table, std::string prefix, std::uint32_t limit);

private:
  http::task<result<std::optional<std::string>>> look(std::string row);
  http::task<result<>> commit(pb::operation);

  http::actor_bridge& bridge_;
  metadata_actor metadata_;
  wall_clock& clock_;
  const trace_context trace_; // of the request
};

} // namespace troupe::s3db
