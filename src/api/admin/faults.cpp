// /admin/faults: what this process pretends of its network, for rehearsals and tests (net/faults.hpp). Refused unless the
// configuration says `faults: enabled`. Of this process alone: a partition is asked of each node that is to see it.
#include "api/admin/call.hpp"

#include "net/faults.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::admin {

namespace {

net::fault_rules& rules_of(call& c) {
  if (!c.config.faults)
    throw http::api_error{ec::access_denied, "faults are not enabled: the configuration must say `faults: enabled`"};
  return *c.config.faults;
}

http::task<> answer_list(call& c, const net::fault_rules& rules) {
  json::array list;
  for (auto& line : rules.list()) list.emplace_back(line);
  json::object out;
  out["faults"] = std::move(list);
  co_await answer(c, std::move(out));
}

std::string value_of(call& c, std::string_view name) {
  const auto* value = c.rq.target().q(name);
  return value == nullptr ? std::string{} : *value;
}

net::fault parse(call& c) {
  auto kind = value_of(c, "kind");
  if (kind == "drop") return {.drop = true};
  if (kind != "delay") throw http::api_error{ec::bad_argument, "kind is drop or delay"};
  auto text = value_of(c, "ms");
  std::int64_t ms = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (e != std::errc{} || end != text.data() + text.size() || ms < 0 || ms > net::fault_rules::delay_max.count())
    throw http::api_error{
      ec::bad_argument, "ms is a number up to " + std::to_string(net::fault_rules::delay_max.count())};
  return {.drop = false, .delay = std::chrono::milliseconds{ms}};
}

} // namespace

http::task<> on_faults(call& c) {
  auto& rules = rules_of(c);
  co_await answer_list(c, rules);
}

// ?kind=drop|delay&node=ID|*&direction=to|from|both[&ms=N]
http::task<> on_set_fault(call& c) {
  auto& rules = rules_of(c);
  auto fault = parse(c);
  auto node = value_of(c, "node");
  if (node.empty()) throw http::api_error{ec::bad_argument, "node is the id of a node, or * for all"};
  auto direction = value_of(c, "direction");
  if (direction.empty()) direction = "both";
  if (direction != "to" && direction != "from" && direction != "both")
    throw http::api_error{ec::bad_argument, "direction is to, from or both"};
  if (direction != "from") rules.set_outgoing(node, fault);
  if (direction != "to") rules.set_incoming(node, fault);
  co_await answer_list(c, rules);
}

http::task<> on_clear_faults(call& c) {
  auto& rules = rules_of(c);
  rules.clear();
  co_await answer_list(c, rules);
}

} // namespace troupe::admin
