// log_access: what the log and its checks work with: the store, and the rows of the metadata group. For one request, or one
// check, on its io thread.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/ask.hpp"
#include "api/http/failure.hpp"
#include "api/objects/object_store.hpp"
#include "base/environment.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::files {

struct log_access {
  object_store& store;
  http::actor_bridge& actors;
  metadata_actor metadata;
  wall_clock& clock;
  trace_context trace = {};
  // Called after each page of a walk of rows, for whoever is not to be in a hurry; nothing: as fast as it goes.
  std::function<http::task<>(std::size_t rows)> pace = {};
};

using http::must;

// Rows in the order asked, nothing for those that are not there.
http::task<std::vector<std::optional<std::string>>> read_rows(log_access&, std::vector<std::string> keys);
http::task<pb::list_reply> list_rows(log_access&, std::string prefix, std::string start_after, std::uint32_t limit);
http::task<bool> commit(log_access&, pb::batch); // whether its preconditions held

} // namespace troupe::files
