#include "core/ring.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

using namespace troupe;

namespace {

std::vector<ring_node> nodes(std::size_t n, std::uint32_t weight = 1) {
  std::vector<ring_node> out;
  for (std::size_t i = 1; i <= n; ++i) out.push_back({{"node-" + std::to_string(i)}, "", weight});
  return out;
}

constexpr int keys = 100'000;

std::map<std::string, int> shares(const ring& r) {
  std::mt19937_64 random{42};
  std::map<std::string, int> out;
  for (int i = 0; i < keys; ++i) ++out[r.clockwise(random(), 1).at(0).name];
  return out;
}

} // namespace

TEST_CASE("no node gets much more than its share of the keys") {
  for (std::size_t n : {3u, 5u, 10u, 30u}) {
    auto got = shares(ring{nodes(n)});
    REQUIRE(got.size() == n);
    int most = 0;
    for (auto& [name, count] : got) most = std::max(most, count);
    auto skew = static_cast<double>(most) * static_cast<double>(n) / keys;
    INFO(n << " nodes: max / mean = " << skew);
    REQUIRE(skew < 1.25);
  }
}

TEST_CASE("a node of weight 2 gets about twice the keys of a node of weight 1, weight 0 gets none") {
  auto all = nodes(5);
  all[1].weight = 2;
  all[4].weight = 0;
  ring r{all};
  REQUIRE(r.places() == 4);
  auto got = shares(r);
  REQUIRE(got.count("node-5") == 0);
  REQUIRE(got["node-2"] / (keys / 5.0) == Approx(2).epsilon(0.2));
  REQUIRE(r.clockwise(1, 9).size() == 4);
}

TEST_CASE("a new node takes about its share, and keys move to nobody else") {
  for (std::size_t n : {3u, 5u, 10u}) {
    ring before{nodes(n)}, after{nodes(n + 1)};
    std::mt19937_64 random{1};
    int moved = 0;
    for (int i = 0; i < keys; ++i) {
      auto position = random();
      auto was = before.clockwise(position, 1), is = after.clockwise(position, 1);
      if (was == is) continue;
      ++moved;
      REQUIRE(is.at(0).name == "node-" + std::to_string(n + 1));
    }
    REQUIRE(moved * static_cast<double>(n + 1) / keys == Approx(1).epsilon(0.25));
  }
}

TEST_CASE("a placement on five of six nodes changes by at most one node when the sixth comes") {
  ring before{nodes(5)}, after{nodes(6)};
  std::mt19937_64 random{9};
  for (int i = 0; i < 2000; ++i) {
    auto position = random();
    auto was = before.clockwise(position, 5), is = after.clockwise(position, 5);
    std::set<node_id> now(is.begin(), is.end());
    int gone = 0;
    for (auto& node : was) gone += now.count(node) == 0 ? 1 : 0;
    REQUIRE(gone <= 1);
  }
}

TEST_CASE("nodes come distinct, and one of every zone comes before a zone's second") {
  std::vector<ring_node> all;
  for (int i = 0; i < 9; ++i) all.push_back({{"n" + std::to_string(i)}, "zone-" + std::to_string(i % 3), 1});
  ring r{all};
  std::map<std::string, std::string> zone;
  for (auto& node : all) zone[node.id.name] = node.zone;
  std::mt19937_64 random{3};
  for (int i = 0; i < 500; ++i) {
    auto order = r.clockwise(random(), 9);
    REQUIRE(std::set<node_id>(order.begin(), order.end()).size() == 9);
    for (std::size_t round = 0; round < 3; ++round) {
      std::set<std::string> zones;
      for (std::size_t j = 0; j < 3; ++j) zones.insert(zone[order[round * 3 + j].name]);
      REQUIRE(zones.size() == 3);
    }
    // A shorter list is the beginning of a longer one: spares follow the places.
    auto position = random();
    auto five = r.clockwise(position, 5), nine = r.clockwise(position, 9);
    REQUIRE(std::equal(five.begin(), five.end(), nine.begin()));
  }
}

TEST_CASE("the ring is the same whatever the order of the nodes, and a name given twice counts once") {
  auto some = nodes(4);
  auto other = some;
  std::reverse(other.begin(), other.end());
  other.push_back(other.front());
  ring a{some}, b{other};
  REQUIRE(b.places() == 4);
  for (std::uint64_t p : {0ull, 1ull, 1ull << 63, ~0ull}) REQUIRE(a.clockwise(p, 4) == b.clockwise(p, 4));
}

TEST_CASE("an empty ring has no places") {
  REQUIRE(ring{}.clockwise(5, 3).empty());
  REQUIRE(ring{nodes(1)}.clockwise(5, 3).size() == 1);
}
