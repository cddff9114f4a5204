// mover_fixture: objects on some of seven nodes, and MOVERs that are told what the map is. Time passes by hand.
#pragma once

#include "actors/mover.hpp"
#include "core/extent_codec.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/cluster_maps.hpp"
#include "support/mock_cluster.hpp"
#include "support/model_metadata.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

inline constexpr stripe_geometry rs32{.k = 3, .m = 2, .piece_bytes = 1024};

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return now_ms; }
  unix_ms now_ms = 1'000'000;
};

// Objects on node-0 .. node-4 of seven nodes, and a mover that is told what the map is.
struct mover_fixture {
  mover_fixture() : cluster(7) {
    for (std::size_t i = 0; i < 7; ++i)
      nodes.push_back(nth_cluster_node(i, i < 5 ? node_state::up : node_state::joining));
    metadata = cluster.fx.own(cluster.fx.system.spawn(model_metadata, rows, nullptr));
    see();
  }

  // New content goes to the nodes that are up.
  void see() {
    map = map ? map->next(nodes).value() : map_of_nodes(nodes);
    auto view = std::make_shared<cluster_view>();
    view->places = places_of(*map);
    for (auto& [name, shard] : cluster.shards) {
      auto* n = map->find(node_id{name});
      if (n->state == node_state::gone) view->gone.push_back(n->id);
      view->nodes.emplace_back(n->id, reachable(name) ? caf::actor_cast<shard_actor>(shard) : shard_actor{});
    }
    caf::anon_send(cluster.replicator, view_atom::value, new_view{view});
    if (heal) tell();
    cluster.fx.run();
  }
  void tell() {
    for (auto& m : {heal, second})
      if (m) tell(m);
  }
  void tell(const mover_actor& to) {
    auto view = std::make_shared<healing_view>(*map);
    for (auto& n : nodes)
      if (reachable(n.id.name)) view->reachable.insert(n.id);
    view->active = true;
    caf::anon_send(to, view_atom::value, new_healing_view{view});
  }
  bool reachable(const std::string& name) const { return !dead.contains(name); }

  void put(const std::string& key, const std::string& content) {
    auto summary = cluster.upload(content, rs32);
    REQUIRE(summary);
    pb::object_record record;
    record.set_size(content.size());
    *record.mutable_extent() = summary->extent;
    rows->put(tables::object("bucket", key), record.SerializeAsString());
    contents[key] = content;
  }
  pb::extent extent_of(const std::string& key) {
    pb::object_record record;
    REQUIRE(record.ParseFromString(rows->get(tables::object("bucket", key)).value().value()));
    return record.extent();
  }
  bool names(const std::string& node) {
    for (auto& [key, content] : contents)
      for (auto& n : map_of(extent_of(key)).value().all_nodes())
        if (n.name == node) return true;
    return false;
  }
  void check_contents() {
    for (auto& [key, content] : contents) {
      auto got = cluster.download(extent_of(key), 0, content.size());
      REQUIRE(got);
      CHECK(*got == content);
    }
  }
  void start() {
    heal = spawn_mover();
    tell();
    cluster.fx.advance(std::chrono::seconds{3});
  }
  // Of another process that thinks, too, that it is the one to heal.
  void start_second() {
    second = spawn_mover();
    tell(second);
  }
  mover_actor spawn_mover() {
    mover_options o;
    o.metadata = metadata;
    o.replicator = cluster.replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.delay = std::chrono::seconds{60};
    o.vacated_grace = std::chrono::seconds{10};
    return cluster.fx.own(cluster.fx.system.spawn(mover, std::move(o)));
  }
  void pass(std::chrono::seconds s) {
    for (; s > std::chrono::seconds{0}; s -= std::chrono::seconds{1}) {
      clock.now_ms += 1000;
      cluster.fx.advance(std::chrono::seconds{1});
    }
  }
  pb::healing_status status() {
    auto a = cluster.fx.ask<wire<pb::healing_status>>(heal, status_atom::value);
    return *cluster.fx.wait(a).value();
  }
  std::size_t pieces_on(const std::string& node) { return cluster.node(node).pieces.size(); }
  bool row_there(const std::string& key) { return rows->get(key).value().has_value(); }

  manual_clock clock;
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  mock_cluster cluster;
  metadata_actor metadata;
  std::vector<cluster_node> nodes;
  std::optional<cluster_map> map;
  std::set<std::string> dead;
  std::map<std::string, std::string> contents;
  mover_actor heal, second;
};

inline void put_some(mover_fixture& f, int n = 10) {
  for (int i = 0; i < n; ++i) f.put("key-" + std::to_string(i), content_of(static_cast<std::uint64_t>(i), 7000));
}

} // namespace troupe::test
