// /admin/faults: what processes pretend, for rehearsals and tests. Refused unless the configuration says
// `faults: enabled`. Of the network: what this process loses or delays (net/faults.hpp); a partition is asked of each node
// that is to see it. Of a disk, and crashes: of the node that is named, wherever it is (actors/process_controls.hpp).
#include "api/admin/call.hpp"

#include "actors/process_controls.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::admin {

namespace {

const fault_switches& switches_of(call& c) {
  if (!c.config.faults)
    throw http::api_error{ec::access_denied, "faults are not enabled: the configuration must say `faults: enabled`"};
  return *c.config.faults;
}

json::array lines_of(const std::vector<std::string>& lines) { return json::array(lines.begin(), lines.end()); }

std::vector<std::string> here(const fault_switches& s) {
  auto lines = s.network->list();
  auto disk = s.disk->list();
  lines.insert(lines.end(), disk.begin(), disk.end());
  return lines;
}

// What the nodes pretend that were asked.
http::task<> answer_nodes(call& c, const process_answers& all) {
  json::array nodes;
  for (const auto& [node, said] : all.faults) {
    json::object line{{"id", node.name}};
    if (said)
      line["faults"] = json::array(said->faults().begin(), said->faults().end());
    else
      line["error"] = said.error().message;
    nodes.push_back(std::move(line));
  }
  json::object out;
  out["faults"] = lines_of(here(switches_of(c))); // of this process
  out["nodes"] = std::move(nodes);
  co_await answer(c, std::move(out));
}

http::task<> order(call& c, pb::fault_order what, std::string node) {
  auto only = !node.empty();
  auto all = co_await ask_everyone(c, fault_atom::value, wire<pb::fault_order>{std::move(what)}, std::move(node));
  if (only) // its word is the answer
    for (const auto& [id, said] : all->faults)
      if (!said) throw http::api_error{said.error().code, id.name + ": " + said.error().message};
  co_await answer_nodes(c, *all);
}

std::uint32_t milliseconds_of(call& c, std::int64_t max) {
  auto text = parameter(c, "ms");
  std::uint32_t ms = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (e != std::errc{} || end != text.data() + text.size() || ms > max)
    throw http::api_error{ec::bad_argument, "ms is a number up to " + std::to_string(max)};
  return ms;
}

net::fault network_fault(call& c, const std::string& kind) {
  if (kind == "drop") return {.drop = true};
  auto ms = milliseconds_of(c, net::fault_rules::delay_max.count());
  return {.drop = false, .delay = std::chrono::milliseconds{ms}};
}

// The enumerator that the query names; the first one when it names none and `needed` is not set.
template <class Enum, class Parse>
Enum named(call& c, std::string_view name, const char* allowed, bool needed, const Parse& parse) {
  auto text = parameter(c, name);
  Enum value{};
  if (text.empty() && !needed) return value;
  if (text.empty() || text == "none" || !parse(text, &value))
    throw http::api_error{ec::bad_argument, std::string{name} + " is one of " + allowed};
  return value;
}

pb::fault_order disk_order(call& c) {
  using order = pb::fault_order;
  order o;
  o.set_kind(order::disk);
  o.set_disk_kind(named<order::disk_kinds>(
    c, "what", "eio, enospc, slow, flip", true, [](auto& t, auto* v) { return order::disk_kinds_Parse(t, v); }));
  o.set_on(named<order::operations>(
    c, "on", "all, reads, writes, syncs", false, [](auto& t, auto* v) { return order::operations_Parse(t, v); }));
  o.set_volume(named<order::volumes>(
    c, "volume", "both, storage, metadata", false, [](auto& t, auto* v) { return order::volumes_Parse(t, v); }));
  if (o.disk_kind() == order::slow) o.set_ms(milliseconds_of(c, disk_faults::delay_max.count()));
  return o;
}

http::task<> set_network_fault(call& c, const std::string& kind) {
  const auto& rules = switches_of(c).network;
  auto fault = network_fault(c, kind);
  auto node = parameter(c, "node");
  if (node.empty()) throw http::api_error{ec::bad_argument, "node is the id of a node, or * for all"};
  auto direction = parameter(c, "direction");
  if (direction.empty()) direction = "both";
  if (direction != "to" && direction != "from" && direction != "both")
    throw http::api_error{ec::bad_argument, "direction is to, from or both"};
  if (direction != "from") rules->set_outgoing(node, fault);
  if (direction != "to") rules->set_incoming(node, fault);
  if (c.config.events) c.config.events->add("fault", {}, "fault set: " + kind + " " + direction + " " + node);
  json::object out;
  out["faults"] = lines_of(here(switches_of(c)));
  co_await answer(c, std::move(out));
}

} // namespace

http::task<> on_faults(call& c) {
  switches_of(c);
  co_await order(c, {}, {});
}

// ?kind=drop|delay&node=ID|*&direction=to|from|both[&ms=N]
// ?kind=disk&node=ID&what=eio|enospc|slow|flip[&ms=N][&on=reads|writes|syncs][&volume=storage|metadata]
// ?kind=crash&node=ID
http::task<> on_set_fault(call& c) {
  switches_of(c);
  auto kind = parameter(c, "kind");
  if (kind == "drop" || kind == "delay") {
    co_await set_network_fault(c, kind);
  } else if (kind == "disk") {
    auto node = needed_parameter(c, "node");
    co_await order(c, disk_order(c), std::move(node));
  } else if (kind == "crash") {
    auto node = needed_parameter(c, "node");
    pb::fault_order crash;
    crash.set_kind(pb::fault_order::crash);
    co_await order(c, std::move(crash), std::move(node));
  } else {
    throw http::api_error{ec::bad_argument, "kind is drop, delay, disk or crash"};
  }
}

// ?node=ID: of one alone. Those that can not be reached now keep theirs: they are named.
http::task<> on_clear_faults(call& c) {
  switches_of(c);
  pb::fault_order clear;
  clear.set_kind(pb::fault_order::clear);
  co_await order(c, std::move(clear), parameter(c, "node"));
}

} // namespace troupe::admin
