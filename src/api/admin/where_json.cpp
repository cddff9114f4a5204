#include "api/admin/where_json.hpp"

#include "codec/text.hpp"
#include "core/extent_codec.hpp"
#include "core/protection.hpp"

#include <boost/json/array.hpp>

namespace troupe::admin {

namespace json = boost::json;

namespace {

found_missing found_in(const extent_survey& s) {
  found_missing found;
  for (const auto& [node, lacks] : s.lacking) {
    if (!lacks)
      found.silent.insert(node);
    else
      found.pieces.insert(lacks->begin(), lacks->end());
  }
  return found;
}

// One place of a run: which node, and whether what should be there is.
json::object piece_json(const stripe_run& run, std::uint32_t piece, const extent_survey& s) {
  const auto& node = run.nodes[piece];
  json::object out{{"piece", piece}, {"node", node.name}};
  auto said = s.lacking.find(node);
  if (said == s.lacking.end() || !said->second) {
    out["state"] = "unknown";
    out["reason"] = said == s.lacking.end() ? "it was not asked" : said->second.error().message;
    return out;
  }
  std::uint64_t missing = 0;
  for (const auto& [stripe, index] : *said->second)
    missing += index == piece && stripe >= run.first && stripe < run.end;
  out["state"] = missing == 0 ? "there" : "missing";
  if (missing != 0) out["stripes_missing"] = missing;
  return out;
}

} // namespace

result<json::object> extent_json(const pb::extent& extent, const extent_survey& s) {
  auto map = map_of(extent);
  if (!map) return map.error();
  auto g = map->layout().geometry();
  auto runs = json::array{};
  for (const auto& run : map->runs()) {
    if (run.end <= run.first) continue;
    json::array pieces;
    for (std::uint32_t piece = 0; piece < run.nodes.size(); ++piece) {
      auto line = piece_json(run, piece, s);
      line["kind"] = piece < g.k ? "data" : "parity";
      pieces.push_back(std::move(line));
    }
    runs.push_back(
      json::object{{"first_stripe", run.first}, {"stripes", run.end - run.first}, {"pieces", std::move(pieces)}});
  }
  auto p = protection_of(extent, found_in(s));
  if (!p) return p.error();
  return json::object{{"data_id", hex_encode(as_bytes(extent.data_id()))}, {"size", extent.size()},
    {"geometry", json::object{{"data", g.k}, {"parity", g.m}, {"piece_bytes", g.piece_bytes}}},
    {"stripes", map->layout().stripes()}, {"runs", std::move(runs)}, {"losses", p->losses},
    {"losses_wanted", p->losses_wanted}, {"worst_stripe", p->stripe}};
}

} // namespace troupe::admin
