// healing_rows: what the metadata holds about healing: the report of those who do it, and the queue of repairs.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/actor_bridge.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe::admin {

// Rows of table repairs, as far as they were counted.
struct repair_count {
  std::uint64_t rows = 0;
  bool more = false;
};

// Nothing: the metadata group does not answer in time.
http::task<std::optional<repair_count>> count_repairs(
  http::actor_bridge&, const metadata_actor&, std::chrono::milliseconds timeout);
// What those who heal said last; nothing: nobody has yet, or the metadata group does not answer in time.
http::task<std::optional<pb::healing_report>> healing_report(
  http::actor_bridge&, const metadata_actor&, std::chrono::milliseconds timeout);

} // namespace troupe::admin
