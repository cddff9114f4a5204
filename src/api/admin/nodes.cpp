// GET /admin/nodes: each node: its line in the map, what gossip thinks of it, what it stores.
#include "api/admin/call.hpp"
#include "api/admin/survey_json.hpp"

namespace troupe::admin {

http::task<> on_nodes(call& c) {
  auto all = co_await survey(c);
  auto healing = co_await healing_report(c);
  co_await answer(c, nodes_json(*all, healing));
}

} // namespace troupe::admin
