// /admin/volumes: the volumes of shards, as every process of the cluster knows its own, their snapshots, their growth. What is
// asked of a snapshot or of one volume is carried out by the volume's primary, whichever node was asked.
#include "api/admin/call.hpp"
#include "codec/text.hpp"
#include "volumes/snapshot_schedule.hpp"

#include <boost/json/array.hpp>

#include <charconv>
#include <map>
#include <vector>

namespace troupe::admin {

namespace {

struct one_volume {
  std::vector<std::pair<std::string, const pb::volume_line*>> by_node;
  const pb::volume_line* best = nullptr; // the primary's word of it, else of who saw the highest token
  std::string primary;                   // node that says that it is; of the highest token
};

// `troupe dev` has no names for its process.
std::string name_of(const node_id& node, const pb::volume_line& line) {
  return node.name.empty() ? line.holder() : node.name;
}

json::object shards_json(const one_volume& v) {
  json::object out{{"total", v.best->shards()}};
  if (v.best->counted()) {
    out["active"] = v.best->active();
    out["read_only"] = v.best->read_only();
    out["deleted"] = v.best->deleted();
  }
  return out;
}

json::object volume_json(const std::string& id, const one_volume& v) {
  const auto& line = *v.best;
  json::object out{{"id", id}, {"provider", line.provider()}, {"token", line.token()}, {"lease_ms", line.lease_ms()},
    {"size_bytes", line.total_bytes()}, {"free_bytes", line.free_bytes()}, {"shards", shards_json(v)}};
  json::array backups;
  std::uint64_t open = 0;
  for (const auto& [node, said] : v.by_node) {
    if (node != v.primary || !said->primary()) backups.push_back(json::string{node});
    open += said->open_shards();
  }
  out["open_shards"] = open;
  if (v.best->primary()) {
    out["primary"] = v.primary;
    out["primary_address"] = line.address();
  }
  out["backups"] = std::move(backups);
  return out;
}

json::object snapshot_json(const pb::snapshot_line& s) {
  json::object out{{"name", s.name()}, {"state", s.state()}, {"regular", snapshot_schedule::is_regular(s.name())}};
  if (!s.id().empty()) out["id"] = s.id();
  if (s.made_ms() != 0) out["made_at"] = format_iso8601(s.made_ms());
  if (s.id().empty() && s.made_ms() != 0) {
    out["shards"] = s.shards();
    out["files"] = s.files();
    out["bytes"] = s.bytes();
  }
  return out;
}

constexpr std::chrono::seconds grow_timeout{50}; // a little more than the VOLUME OPERATOR's; less than the command's

http::task<wire<pb::volume_report>> ask_primary(call& c, pb::volume_order o, std::chrono::seconds patience) {
  o.set_volume(c.parameters.at("id"));
  auto said = co_await http::ask<wire<pb::volume_report>>(
    c.actors, c.config.volumes, patience, order_atom::value, wire<pb::volume_order>{std::move(o)});
  co_return must(std::move(said));
}

http::task<wire<pb::volume_report>> carry_out(call& c, pb::volume_order::kinds kind, std::string name) {
  pb::volume_order o;
  o.set_kind(kind);
  o.set_name(std::move(name));
  co_return co_await ask_primary(c, std::move(o), change_timeout);
}

// 0: it is not there.
std::uint32_t whole_number(const call& c, std::string_view name) {
  const auto text = parameter(c, name);
  if (text.empty()) return 0;
  std::uint32_t out = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  if (parsed.ec != std::errc{} || parsed.ptr != end || out == 0)
    throw http::api_error{ec::bad_argument, std::string{name} + "= is a whole number from 1 on"};
  return out;
}

} // namespace

http::task<> on_volumes(call& c) {
  auto found = co_await http::ask<everyones_volumes>(c.actors, c.config.volumes, look_timeout, everyone_atom::value);
  const auto all = must(std::move(found)).answers;
  std::map<std::string, one_volume> volumes;
  json::array silent;
  for (const auto& [node, said] : all->processes) {
    if (!said) {
      silent.push_back(json::object{{"node", node.name}, {"error", said.error().message}});
      continue;
    }
    for (const auto& line : said->volumes()) {
      auto& v = volumes[line.id()];
      v.by_node.emplace_back(name_of(node, line), &line);
      const bool better =
        v.best == nullptr || line.token() > v.best->token() || (line.token() == v.best->token() && line.primary());
      if (!better) continue;
      v.best = &line;
      v.primary = line.primary() ? name_of(node, line) : std::string{};
    }
  }
  json::array out;
  for (const auto& [id, v] : volumes) out.push_back(volume_json(id, v));
  json::object whole;
  whole["volumes"] = std::move(out);
  whole["silent"] = std::move(silent);
  co_await answer(c, std::move(whole));
}

http::task<> on_snapshots(call& c) {
  const auto said = co_await carry_out(c, pb::volume_order::snapshots, {});
  json::array out;
  for (const auto& line : said->snapshots()) out.push_back(snapshot_json(line));
  json::object whole{{"volume", c.parameters.at("id")}};
  whole["snapshots"] = std::move(out);
  co_await answer(c, std::move(whole));
}

// ?name=NAME; without it one that is made of the time.
http::task<> on_make_snapshot(call& c) {
  auto name = parameter(c, "name");
  if (name.empty()) name = "manual-" + snapshot_schedule::name_of(c.config.clock.now()).substr(5);
  const auto said = co_await carry_out(c, pb::volume_order::snapshot, name);
  json::object whole{{"volume", c.parameters.at("id")}};
  if (said->snapshots_size() == 1) whole["snapshot"] = snapshot_json(said->snapshots(0));
  co_await answer(c, std::move(whole));
}

http::task<> on_remove_snapshot(call& c) {
  co_await carry_out(c, pb::volume_order::remove, c.parameters.at("name"));
  json::object whole{{"volume", c.parameters.at("id")}, {"removed", c.parameters.at("name")}};
  co_await answer(c, std::move(whole));
}

http::task<> on_restore_snapshot(call& c) {
  co_await carry_out(c, pb::volume_order::restore, c.parameters.at("name"));
  json::object whole{{"volume", c.parameters.at("id")}, {"restored", c.parameters.at("name")}};
  co_await answer(c, std::move(whole));
}

// ?size_gib=N[&iops=N]
http::task<> on_grow_volume(call& c) {
  pb::volume_order o;
  o.set_kind(pb::volume_order::grow);
  o.set_size_gib(whole_number(c, "size_gib"));
  o.set_iops(whole_number(c, "iops"));
  if (o.size_gib() == 0) throw http::api_error{ec::bad_argument, "the query needs size_gib="};
  const auto said = co_await ask_primary(c, std::move(o), grow_timeout);
  json::object whole{
    {"id", c.parameters.at("id")}, {"size_gib", said->grown().size_gib()}, {"state", said->grown().state()}};
  co_await answer(c, std::move(whole));
}

} // namespace troupe::admin
