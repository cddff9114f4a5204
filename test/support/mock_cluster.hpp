// mock_cluster: a replicator over n mock shards in one deterministic fixture, and the calls a front door makes.
#pragma once

#include "actors/replicator.hpp"
#include "core/placement.hpp"
#include "core/read_pins.hpp"
#include "support/actor_fixture.hpp"
#include "support/mock_shard.hpp"

#include <caf/actor_registry.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace troupe::test {

class seeded_entropy final : public entropy {
public:
  explicit seeded_entropy(std::uint64_t seed) : random_(seed) {}
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(random_());
  }

private:
  std::mt19937_64 random_;
};

inline std::string content_of(std::uint64_t seed, std::size_t bytes) {
  std::mt19937_64 random{seed};
  std::string out(bytes, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

struct mock_cluster {
  explicit mock_cluster(
    std::size_t n, session_limits limits = {}, std::shared_ptr<shared_byte_rate> healing_rate = nullptr) {
    replicator_options o;
    std::vector<ring_node> ring_nodes;
    for (std::size_t i = 0; i < n; ++i) {
      node_id id{"node-" + std::to_string(i)};
      auto& script = scripts[id.name] = std::make_shared<shard_script>();
      script->node = id.name;
      auto shard = fx.own(fx.system.spawn(mock_shard, script));
      shards[id.name] = shard;
      o.cluster.nodes.emplace_back(id, shard);
      ring_nodes.push_back({id, "", 1});
    }
    o.cluster.places = ring{ring_nodes};
    o.random = &random;
    o.limits = limits;
    o.healing_rate = std::move(healing_rate);
    o.pins = &pins;
    replicator = fx.own(spawn_replicator(fx.system, std::move(o)));
    fx.run();
    idle_actors = running();
  }

  // What is held back keeps its shard, and the shard its script. Answered by the shards themselves: outside its actor a
  // promise must not be delivered (its execution unit is gone).
  ~mock_cluster() {
    for (auto& [name, script] : scripts) script->heal();
    auto holds = [](auto& named) { return !named.second->held.empty(); };
    for (int i = 0; i < 1000 && std::any_of(scripts.begin(), scripts.end(), holds); ++i) answer_oldest();
  }
  mock_cluster(const mock_cluster&) = delete;
  mock_cluster& operator=(const mock_cluster&) = delete;

  std::size_t running() { return fx.system.registry().running(); }
  // Sessions are gone, and so is every actor of the fixture's own.
  bool no_session_left() { return running() == idle_actors; }

  troupe::durability durability = durability::quorum; // of uploads that begin

  upload_actor begin_upload(std::uint64_t size, stripe_geometry g, checksum_set checksums = {}) {
    upload_options what;
    what.size = size;
    what.geometry = g;
    what.checksums = checksums;
    what.durability = durability;
    auto a = fx.ask<upload_actor>(replicator, upload_atom::value, what);
    fx.run();
    return a.value();
  }
  // Writes all pieces one after the other, letting time pass while an answer is awaited.
  result<> write_all(const upload_actor& session, const std::string& content, stripe_geometry g) {
    for (auto r : stripe_layout{g, content.size()}.ranges(0, content.size())) {
      auto begin = r.stripe * g.k * g.piece_bytes + r.piece * stripe_layout{g, content.size()}.piece_bytes(r.stripe);
      auto a = fx.ask(session, write_atom::value, chunk::copy_of(std::string_view{content}.substr(begin, r.length)));
      auto outcome = fx.wait(a);
      if (!outcome) return outcome;
    }
    return {};
  }
  result<upload_summary> upload(const std::string& content, stripe_geometry g, checksum_set checksums = {}) {
    auto session = begin_upload(content.size(), g, checksums);
    if (auto ok = write_all(session, content, g); !ok) return ok.error();
    auto a = fx.ask<upload_summary>(session, finish_atom::value);
    return fx.wait(a);
  }
  result<std::string> download(const pb::extent& extent, std::uint64_t offset, std::uint64_t length) {
    auto started =
      fx.ask<download_actor>(replicator, download_atom::value, wire{extent}, offset, length, trace_context{});
    auto session = fx.wait(started);
    if (!session) return session.error();
    std::string out;
    for (;;) {
      auto a = fx.ask<chunk>(*session, next_atom::value);
      auto got = fx.wait(a);
      if (!got) return got.error();
      if (got->empty()) return out;
      out += got->text();
    }
  }
  std::size_t pieces_stored() const {
    std::size_t n = 0;
    for (auto& [name, s] : scripts) n += s->pieces.size();
    return n;
  }
  // Every node answers the oldest request that it holds back.
  void answer_oldest() {
    for (auto& [name, shard] : shards) caf::anon_send(shard, tick_atom::value);
    fx.run();
  }
  shard_script& node(const std::string& name) { return *scripts.at(name); }

  read_pins pins; // outlives the sessions
  actor_fixture fx;
  seeded_entropy random{1};
  std::map<std::string, std::shared_ptr<shard_script>> scripts;
  std::map<std::string, scripted_shard> shards;
  replicator_actor replicator;
  std::size_t idle_actors = 0;
};

} // namespace troupe::test
