// `troupe admin drain --wait`: polls until the node has left the cluster. Interrupting it interrupts nothing else: the node
// goes on draining.
#include "cli/admin.hpp"
#include "cli/drain_progress.hpp"
#include "cli/json_fields.hpp"
#include "cli/polling.hpp"

#include <chrono>
#include <cstdio>

namespace troupe::cli {

namespace json = boost::json;

namespace {

constexpr unsigned failures_max = 30; // in a row: the node that is asked may restart meanwhile

const json::object* node_in(const json::object& nodes, const std::string& id) {
  for (const auto& v : array_of(nodes, "nodes"))
    if (v.is_object() && text_of(v.get_object(), "id") == id) return &v.get_object();
  return nullptr;
}

} // namespace

result<> wait_until_drained(session& s, const std::string& node) {
  std::fflush(stdout); // that it drains, before what follows
  const auto start = std::chrono::steady_clock::now();
  polling screen{s};
  drain_progress progress;
  for (unsigned failures = 0;;) {
    auto nodes = admin_get(s, "nodes");
    if (!nodes) {
      if (nodes.error().code == ec::closed || ++failures == failures_max) return nodes.error();
    } else {
      failures = 0;
      const auto* line = node_in(*nodes, node);
      if (line == nullptr) return fail(ec::not_found, "no node is named '" + node + "'");
      const auto state = text_of(*line, "state");
      if (state == "gone") {
        if (!s.json) print_line(shown(node) + " holds nothing any more, and has left the cluster");
        return {};
      }
      if (state != "draining") return fail(ec::conflict, node + " is " + shown(state) + ", not draining any more");
      const auto& storage = object_of(*line, "storage");
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      if (auto bytes = number_of(storage, "live_bytes"))
        progress.add({.seconds = elapsed.count(),
          .live_bytes = static_cast<std::uint64_t>(*bytes),
          .pieces = static_cast<std::uint64_t>(number_of(storage, "pieces").value_or(0))});
      const auto why_not = text_of(*line, "storage_error");
      screen.show(node, *line, why_not.empty() ? progress.line() : "does not say what it holds: " + shown(why_not));
    }
    if (!screen.wait()) return fail(ec::closed, "interrupted; the node goes on draining");
  }
}

} // namespace troupe::cli
