#include "core/map_news.hpp"

namespace troupe {
namespace {

std::string text_of(const node_roles& r) {
  std::string out;
  for (auto [yes, name] :
    {std::pair{r.storage, "storage"}, std::pair{r.metadata, "metadata"}, std::pair{r.coordinator, "coordinator"}})
    if (yes) (out += out.empty() ? "" : ",") += name;
  return out.empty() ? "none" : out;
}

void compare(const cluster_node& was, const cluster_node& is, std::vector<map_news>& out) {
  auto tell = [&](const char* what, const std::string& from, const std::string& to) {
    if (from != to) out.push_back({is.id, what + from + " -> " + to});
  };
  tell("", std::string{to_string(was.state)}, std::string{to_string(is.state)});
  tell("weight ", std::to_string(was.weight), std::to_string(is.weight));
  tell("address ", was.address, is.address);
  tell("zone ", was.zone, is.zone);
  tell("roles ", text_of(was.roles), text_of(is.roles));
}

} // namespace

std::vector<map_news> news_between(const cluster_map& before, const cluster_map& now) {
  std::vector<map_news> out;
  for (auto& n : now.nodes()) { // nobody leaves a map: a node that was removed is gone
    if (auto* was = before.find(n.id))
      compare(*was, n, out);
    else
      out.push_back({n.id, "is new, " + std::string{to_string(n.state)}});
  }
  return out;
}

void tell_news(event_log& log, const cluster_map* before, const cluster_map& now) {
  auto epoch = "epoch " + std::to_string(now.epoch()) + ": ";
  if (before == nullptr) return log.add("map", {}, epoch + std::to_string(now.nodes().size()) + " nodes");
  if (before->epoch() >= now.epoch()) return;
  for (auto& news : news_between(*before, now))
    log.add("map", news.node.name, epoch + news.node.name + " " + news.what);
}

} // namespace troupe
