// GET /admin/actors: what runs in each process of the cluster, and what waits in it.
#include "api/admin/call.hpp"

#include <boost/json/array.hpp>

namespace troupe::admin {

namespace {

json::object process_json(const node_id& node, const result<pb::process_status>& said) {
  json::object out{{"node", node.name}};
  if (!said) {
    out["error"] = said.error().message;
    return out;
  }
  json::array actors, queues;
  for (const auto& a : said->actors())
    actors.push_back(json::object{{"name", a.name()}, {"instances", a.instances()}, {"queued", a.queued()},
      {"longest_queue", a.longest_queue()}, {"received", a.received()}});
  for (const auto& q : said->queues())
    queues.push_back(json::object{{"node", q.node()}, {"plane", q.plane()}, {"connected", q.connected()},
      {"queued_bytes", q.queued_bytes()}, {"unanswered", q.unanswered()}});
  out["actors"] = std::move(actors);
  out["queues"] = std::move(queues);
  return out;
}

} // namespace

http::task<> on_actors(call& c) {
  auto all = co_await ask_everyone(c, status_atom::value);
  json::array processes;
  for (const auto& [node, said] : all->processes) processes.push_back(process_json(node, said));
  json::object out;
  out["processes"] = std::move(processes);
  co_await answer(c, std::move(out));
}

} // namespace troupe::admin
