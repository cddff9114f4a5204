// GET /admin/ring?bucket=&key=[&from=]: where the hash of an object's content points on the ring, which nodes follow
// clockwise, and which of them hold it. The content's id decides, not the key: an overwrite lands elsewhere.
#include "api/admin/call.hpp"
#include "api/admin/object_extents.hpp"
#include "codec/text.hpp"
#include "core/extent_codec.hpp"
#include "core/placement.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace troupe::admin {

namespace {

// As new content would be placed (places_of()); without a map, every node.
ring ring_of(const cluster_survey& all) {
  std::vector<ring_node> places;
  for (const auto& n : all.nodes) {
    if (!n.listed)
      places.push_back({.id = n.id, .zone = {}, .weight = 1});
    else if (takes_data(*n.listed))
      places.push_back({.id = n.id, .zone = n.listed->zone, .weight = n.listed->weight});
  }
  return ring{std::move(places)};
}

std::string position_text(std::uint64_t position) {
  std::array<std::byte, 8> raw{};
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::byte>(position >> (56 - 8 * i));
  return hex_encode(bytes_view{raw});
}

const char* text_of(member_status s) {
  if (s == member_status::alive) return "alive";
  return s == member_status::suspect ? "suspect" : "dead";
}

// What the record says that the node holds, and what it says that it lacks.
void add_pieces(json::object& line, const node_id& node, const extent_map& map, const extent_survey& said) {
  std::uint64_t pieces = 0;
  for (const auto& run : map.runs())
    if (run.end > run.first)
      pieces +=
        (run.end - run.first) * static_cast<std::uint64_t>(std::count(run.nodes.begin(), run.nodes.end(), node));
  line["pieces"] = pieces;
  if (pieces == 0) return;
  auto lacks = said.lacking.find(node);
  if (lacks == said.lacking.end() || !lacks->second)
    line["error"] = lacks == said.lacking.end() ? "it was not asked" : lacks->second.error().message;
  else
    line["missing"] = lacks->second->size();
}

json::object extent_ring(
  const named_extent& e, const cluster_survey& all, const ring& places, const extent_survey& said) {
  auto map = must(map_of(e.extent));
  auto id = data_id::from_bytes(e.extent.data_id());
  auto g = map.layout().geometry();
  auto order = candidates(places, id, all.nodes.size());
  auto wanted = order.size();
  for (const auto& n : map.all_nodes()) // where it is, though the ring would not put it there today
    if (std::find(order.begin(), order.end(), n) == order.end()) order.push_back(n);
  json::array clockwise;
  for (std::size_t i = 0; i < order.size(); ++i) {
    json::object line{{"node", order[i].name}};
    line["place"] = i < wanted && i < g.k + g.m ? "chosen" : i < wanted ? "spare" : "left";
    for (const auto& n : all.nodes) {
      if (n.id != order[i]) continue;
      if (n.listed) {
        line["zone"] = n.listed->zone;
        line["weight"] = n.listed->weight;
        line["state"] = to_string(n.listed->state);
      }
      if (n.gossip) line["gossip"] = text_of(*n.gossip);
    }
    add_pieces(line, order[i], map, said);
    clockwise.push_back(std::move(line));
  }
  json::object out{{"data_id", hex_encode(as_bytes(e.extent.data_id()))},
    {"position", position_text(ring::position_of(id.raw))}, {"wanted", g.k + g.m}, {"clockwise", std::move(clockwise)}};
  if (e.part != 0) out["part"] = e.part;
  return out;
}

} // namespace

http::task<> on_ring(call& c) {
  auto found = co_await find_object(c);
  auto some = shown_extents(found);
  auto all = co_await survey(c);
  std::vector<pb::extent> asked;
  for (const auto& e : some) asked.push_back(e.extent);
  auto outcome = co_await http::ask<extent_surveys>(
    c.actors, c.config.surveyor, look_timeout, compare_atom::value, extents_to_survey{std::move(asked)});
  auto said = must(std::move(outcome));
  auto places = ring_of(*all);
  json::array extents;
  for (std::size_t i = 0; i < some.size(); ++i)
    extents.push_back(extent_ring(some[i], *all, places, said.surveys->at(i)));
  json::object out{{"bucket", found.bucket}, {"key", found.key}, {"size", found.record.size()}};
  out["inline"] = found.extents.empty() && found.record.size() != 0;
  if (all->epoch) out["epoch"] = *all->epoch;
  out["extents"] = std::move(extents);
  out["extents_total"] = found.extents.size();
  out["from"] = found.from;
  co_await answer(c, std::move(out));
}

} // namespace troupe::admin
