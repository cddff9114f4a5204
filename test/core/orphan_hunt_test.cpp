#include "core/orphan_hunt.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

data_id id_of(std::uint64_t n) {
  data_id id;
  for (std::size_t i = 0; i < 8; ++i) id.raw[i] = static_cast<std::byte>(n >> (8 * i));
  return id;
}
node_id node(int n) { return node_id{"node-" + std::to_string(n)}; }

// What rows name and nodes hold, and passes over it.
struct world {
  std::map<data_id, std::vector<node_id>> rows;
  std::map<data_id, std::vector<node_id>> vacated;
  std::vector<data_id> garbage;
  std::map<node_id, std::vector<data_id>> held;
  std::vector<node_id> unreachable;
  orphan_hunt hunt{{.grace = 24h, .suspects_max = 1000}};
  orphan_hunt::time now{1000s};
  std::uint64_t seed = 1;

  void walk() {
    hunt.begin_walk(seed++);
    for (auto& [id, nodes] : rows) hunt.names(id, nodes, {"row", 7});
    for (auto& id : garbage) hunt.spares(id);
    for (auto& [id, nodes] : vacated)
      for (auto& n : nodes) hunt.spares(id, n);
  }
  orphan_hunt::verdict list_and_judge() {
    hunt.begin_listing();
    for (auto& [n, ids] : held) {
      if (std::find(unreachable.begin(), unreachable.end(), n) != unreachable.end()) continue;
      for (auto& id : ids) hunt.holds(n, id, now);
      hunt.listed(n);
    }
    return hunt.judge(now);
  }
  orphan_hunt::verdict pass(orphan_hunt::time later) {
    now += later;
    walk();
    return list_and_judge();
  }
};

bool nothing(const orphan_hunt::verdict& v) {
  return v.condemn.empty() && v.pardon.empty() && v.remove.empty() && v.strays.empty();
}

} // namespace

TEST_CASE("an orphan is condemned after the grace, and removed only by a walk that began after that") {
  world w;
  w.held[node(1)] = w.held[node(2)] = {id_of(1)};
  CHECK(nothing(w.pass(0h)));
  CHECK(w.hunt.suspects() == 1);
  CHECK(nothing(w.pass(23h)));
  auto ripe = w.pass(1h);
  CHECK(ripe.condemn == std::vector{id_of(1)});
  CHECK(ripe.remove.empty());
  auto again = w.pass(1h); // the commit's outcome was not known: not condemned yet
  CHECK(again.condemn == std::vector{id_of(1)});
  w.hunt.condemned(id_of(1));
  auto sure = w.pass(0h);
  CHECK(sure.condemn.empty());
  REQUIRE(sure.remove.size() == 1);
  CHECK(sure.remove[0] == std::pair{id_of(1), std::vector{node(1), node(2)}});
  w.hunt.removed(id_of(1));
  w.held.clear();
  CHECK(nothing(w.pass(24h)));
  CHECK(w.hunt.suspects() == 0);
}

TEST_CASE("content that was named between the walk and the listing is no suspect for long") {
  world w;
  w.walk();
  w.rows[id_of(1)] = {node(1)};
  w.held[node(1)] = {id_of(1)};
  CHECK(nothing(w.list_and_judge()));
  CHECK(w.hunt.suspects() == 1);
  CHECK(nothing(w.pass(48h)));
  CHECK(w.hunt.suspects() == 0);
}

TEST_CASE("what was named before it was condemned is pardoned, not removed") {
  world w;
  w.held[node(1)] = {id_of(1)};
  w.pass(0h);
  CHECK(w.pass(24h).condemn.size() == 1);
  w.rows[id_of(1)] = {node(1)}; // just before the condemnation was committed
  w.hunt.condemned(id_of(1));
  auto v = w.pass(0h);
  CHECK(v.remove.empty());
  CHECK(v.pardon == std::vector{id_of(1)});
  CHECK(w.hunt.suspects() == 0);
}

TEST_CASE("what somebody still writes has the whole grace before it again") {
  world w;
  w.held[node(1)] = {id_of(1)};
  w.pass(0h);
  CHECK(w.pass(24h).condemn.size() == 1);
  w.hunt.in_use(id_of(1), w.now);
  CHECK(nothing(w.pass(23h)));
  CHECK(w.pass(1h).condemn.size() == 1);
}

TEST_CASE("garbage and what was vacated have their own removers") {
  world w;
  w.held[node(1)] = {id_of(1), id_of(2)};
  w.garbage = {id_of(1)};
  w.rows[id_of(2)] = {node(2)};
  w.vacated[id_of(2)] = {node(1)};
  for (int i = 0; i < 5; ++i) CHECK(nothing(w.pass(24h)));
  CHECK(w.hunt.suspects() == 0);
}

TEST_CASE("pieces on a node that their row does not name are strays, with the row they are judged by") {
  world w;
  w.rows[id_of(1)] = {node(1), node(2)};
  w.held[node(1)] = w.held[node(2)] = w.held[node(3)] = {id_of(1)};
  CHECK(nothing(w.pass(0h)));
  CHECK(nothing(w.pass(23h)));
  auto v = w.pass(1h);
  REQUIRE(v.strays.size() == 1);
  CHECK(v.strays[0].id == id_of(1));
  CHECK(v.strays[0].nodes == std::vector{node(3)});
  CHECK(v.strays[0].row.digest == 7);
  CHECK(v.condemn.empty());
  w.vacated[id_of(1)] = {node(3)};
  CHECK(nothing(w.pass(1h)));
  CHECK(w.hunt.suspects() == 0);
}

TEST_CASE(
  "a piece that was a stray for a while, and then named, and then a stray again, waits from the second time on") {
  world w;
  w.rows[id_of(1)] = {node(1)};
  w.held[node(1)] = w.held[node(3)] = {id_of(1)};
  w.pass(0h);
  w.rows[id_of(1)] = {node(1), node(3)};
  w.pass(20h);
  w.rows[id_of(1)] = {node(1)};
  CHECK(nothing(w.pass(4h)));
  CHECK(nothing(w.pass(23h)));
  CHECK(w.pass(1h).strays.size() == 1);
}

TEST_CASE("a node that can not be asked keeps its suspects, and is not told to remove anything") {
  world w;
  w.held[node(1)] = w.held[node(2)] = {id_of(1)};
  w.pass(0h);
  w.pass(24h);
  w.hunt.condemned(id_of(1));
  w.unreachable = {node(2)};
  auto v = w.pass(0h);
  REQUIRE(v.remove.size() == 1);
  CHECK(v.remove[0].second == std::vector{node(1)});
}

TEST_CASE("suspects have a bound; what did not fit is found later") {
  world w;
  for (std::uint64_t n = 0; n < 2500; ++n) w.held[node(1)].push_back(id_of(n));
  w.pass(0h);
  CHECK(w.hunt.suspects() == 1000);
  CHECK(w.pass(24h).condemn.size() == 1000);
}

TEST_CASE("whatever happens between passes, nothing that is named is condemned for good or removed") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    world w;
    std::set<data_id> condemned;
    for (int step = 0; step < 60; ++step) {
      auto act = [&] { // content appears, is named (never once it is condemned), is deleted, moves
        auto id = id_of(random() % 20);
        auto at = node(static_cast<int>(random() % 4));
        switch (random() % 4) {
        case 0: w.held[at].push_back(id); break;
        case 1:
          if (!condemned.contains(id)) {
            w.rows[id] = {at};
            w.held[at].push_back(id);
          }
          break;
        case 2: w.rows.erase(id); break;
        default: break;
        }
      };
      for (int i = 0; i < 3; ++i) act();
      w.now += std::chrono::hours{random() % 30};
      auto before = condemned;
      w.walk();
      for (int i = 0; i < 3; ++i) act();
      auto v = w.list_and_judge();
      for (auto& [id, nodes] : v.remove) {
        CHECK(before.contains(id));
        CHECK_FALSE(w.rows.contains(id));
        for (auto& n : nodes) std::erase(w.held[n], id);
        w.hunt.removed(id);
      }
      for (auto& id : v.pardon) condemned.erase(id);
      for (auto& id : v.condemn) {
        for (int i = 0; i < 2; ++i) act();
        condemned.insert(id);
        w.hunt.condemned(id);
      }
    }
  }
}

TEST_CASE("a filter never forgets, and rarely imagines") {
  name_filter filter{50'000, 3};
  for (std::uint64_t n = 0; n < 50'000; ++n) filter.add(id_of(n), "node-1");
  std::size_t imagined = 0;
  for (std::uint64_t n = 0; n < 50'000; ++n) {
    REQUIRE(filter.may_have(id_of(n), "node-1"));
    imagined += filter.may_have(id_of(n), "node-2");
  }
  CHECK(imagined < 500);
  CHECK(name_filter{~std::uint64_t{0}, 1}.bytes() == name_filter::bytes_max);
  CHECK_FALSE(name_filter{}.may_have(id_of(1), "x"));
}
