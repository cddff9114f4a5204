#include "actors/replicator.hpp"
#include "actors/syncer.hpp"
#include "support/mock_cluster.hpp"
#include "support/node_volume.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("five real shards: disks that crash, flip bits and go away do not cost a byte") {
  constexpr stripe_geometry rs32{3, 2, 700};
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    std::mt19937_64 random{seed};
    actor_fixture fx;
    seeded_entropy entropy{seed};
    std::vector<node_volume> volumes;
    for (std::uint64_t i = 0; i < 5; ++i) volumes.emplace_back(seed * 10 + i);
    std::vector<caf::strong_actor_ptr> actors;
    replicator_actor replicator;
    auto start = [&] {
      replicator_options o;
      std::vector<ring_node> nodes;
      for (std::size_t i = 0; i < volumes.size(); ++i) {
        node_id id{"node-" + std::to_string(i)};
        auto so = volumes[i].options(id.name);
        so.syncer = fx.own(spawn_syncer(fx.system, false));
        so.worker = fx.own(spawn_worker(fx.system, false));
        auto s = spawn_shard(fx.system, std::move(so));
        REQUIRE(s.has_value());
        actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(fx.own(*s)));
        o.cluster.nodes.emplace_back(id, *s);
        nodes.push_back({id, "", 1});
      }
      o.cluster.places = ring{nodes};
      o.random = &entropy;
      replicator = fx.own(spawn_replicator(fx.system, std::move(o)));
      fx.run();
    };
    auto stop = [&] {
      fx.stop(replicator);
      for (auto& a : actors) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
      actors.clear();
      fx.run();
    };
    start();
    std::vector<std::pair<pb::extent, std::string>> stored;
    for (int i = 0; i < 25; ++i) {
      auto content = content_of(seed * 100 + static_cast<std::uint64_t>(i), random() % 9000);
      upload_options what;
      what.size = content.size();
      what.geometry = rs32;
      auto begun = fx.ask<upload_actor>(replicator, upload_atom::value, what);
      fx.run();
      stripe_layout layout{rs32, content.size()};
      std::size_t at = 0;
      for (auto r : layout.ranges(0, content.size())) {
        REQUIRE(fx.wait(
          fx.ask(begun.value(), write_atom::value, chunk::copy_of(std::string_view{content}.substr(at, r.length)))));
        at += r.length;
      }
      auto finished = fx.ask<upload_summary>(begun.value(), finish_atom::value);
      REQUIRE(fx.wait(finished).has_value());
      stored.emplace_back(finished.value().extent, content);
    }
    stop();
    for (auto& v : volumes) v.files->crash();
    // One node loses its index, one its disk altogether, a third gets flipped bits.
    volumes[random() % 5].index = make_memory_base();
    auto gone = random() % 5;
    volumes[gone] = node_volume{seed * 10 + 7};
    auto flipped = (gone + 1 + random() % 4) % 5;
    for (auto& name : volumes[flipped].files->list("shard/wal.segments").value()) {
      auto path = "shard/wal.segments/" + name;
      volumes[flipped].files->flip_bit(path, random() % volumes[flipped].files->content(path).size(), 1);
    }
    start();
    for (auto& [extent, content] : stored) {
      auto begun = fx.ask<download_actor>(
        replicator, download_atom::value, wire{extent}, std::uint64_t{0}, extent.size(), trace_context{});
      fx.run();
      std::string got;
      for (;;) {
        auto next = fx.ask<chunk>(begun.value(), next_atom::value);
        INFO("seed " << seed);
        REQUIRE(fx.wait(next).has_value());
        if (next.value().empty()) break;
        got += next.value().text();
      }
      REQUIRE(got == content);
    }
    stop();
  }
}
