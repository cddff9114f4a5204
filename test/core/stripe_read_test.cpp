#include "core/stripe_read.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace troupe;
using asks = stripe_read::asks;

TEST_CASE("only the wanted piece is asked for while all is well") {
  stripe_read r{3, 2, 0, {}};
  REQUIRE(r.want(1) == asks{1});
  REQUIRE(r.want(1).empty());
  REQUIRE_FALSE(r.obtainable(1));
  REQUIRE(r.arrived(1).empty());
  REQUIRE(r.obtainable(1));
  REQUIRE_FALSE(r.obtainable(0));
}

TEST_CASE("a lost piece is decoded from k others, data before parity") {
  stripe_read r{3, 2, 0, {}};
  REQUIRE(r.want(1) == asks{1});
  REQUIRE(r.failed(1) == asks{0, 2, 3});
  REQUIRE(r.arrived(0).empty());
  REQUIRE(r.failed(2) == asks{4});
  REQUIRE(r.arrived(3).empty());
  REQUIRE_FALSE(r.obtainable(1));
  REQUIRE(r.arrived(4).empty());
  REQUIRE(r.obtainable(1));
}

TEST_CASE("an overdue piece is hedged with one more ask at a time, and may still come first") {
  stripe_read r{3, 2, 0, {}};
  r.want(0);
  r.want(1);
  r.want(2);
  REQUIRE(r.overdue(1) == asks{3});
  REQUIRE(r.overdue(1).empty());
  REQUIRE(r.overdue(3) == asks{4});
  r.arrived(0);
  r.arrived(1);
  REQUIRE(r.obtainable(1));
  REQUIRE_FALSE(r.obtainable(2));
  r.arrived(4);
  REQUIRE(r.obtainable(2));
}

TEST_CASE("with one data piece the most convenient copy is asked for, then the next") {
  stripe_read r{1, 2, 0, {2, 0, 1}};
  REQUIRE(r.want(0) == asks{2});
  REQUIRE(r.overdue(2) == asks{0});
  REQUIRE(r.failed(0) == asks{1});
  REQUIRE(r.possible());
  r.arrived(2);
  REQUIRE(r.obtainable(0));
}

TEST_CASE("fewer than k pieces are not enough, and known zeros count as pieces") {
  stripe_read r{3, 2, 0, {}};
  r.want(0);
  for (std::uint32_t i = 0; i < 2; ++i) {
    r.failed(i);
    REQUIRE(r.possible());
  }
  r.failed(3);
  REQUIRE_FALSE(r.possible());

  stripe_read small{3, 2, 0b110, {}}; // two of three data pieces are empty
  REQUIRE(small.want(0) == asks{0});
  REQUIRE(small.failed(0) == asks{3});
  REQUIRE(small.failed(3) == asks{4});
  REQUIRE(small.possible());
  small.arrived(4);
  REQUIRE(small.obtainable(0));
}

TEST_CASE("as long as k pieces can be had, every wanted piece is obtained, whatever fails or is slow") {
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    std::mt19937_64 random{seed};
    auto k = static_cast<std::uint32_t>(1 + random() % 5), m = static_cast<std::uint32_t>(random() % 4);
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < k + m; ++i) order.push_back(i);
    std::set<std::uint32_t> bad;
    for (std::uint64_t i = random() % (m + 2); i > 0; --i) bad.insert(static_cast<std::uint32_t>(random() % (k + m)));
    if (k == 1) std::shuffle(order.begin(), order.end(), random);
    stripe_read r{k, m, 0, order};
    asks on_way;
    auto add = [&](const asks& more) {
      for (auto piece : more) {
        REQUIRE(std::find(on_way.begin(), on_way.end(), piece) == on_way.end());
        on_way.push_back(piece);
      }
    };
    std::set<std::uint32_t> wanted;
    for (std::uint32_t i = 0; i < k; ++i)
      if (random() % 2 == 0) wanted.insert(i);
    for (auto piece : wanted) add(r.want(piece));
    while (!on_way.empty()) {
      auto i = random() % on_way.size();
      auto piece = on_way[i];
      if (random() % 4 == 0) {
        add(r.overdue(piece));
        continue;
      }
      on_way.erase(on_way.begin() + static_cast<std::ptrdiff_t>(i));
      add(bad.contains(piece) ? r.failed(piece) : r.arrived(piece));
    }
    INFO("seed " << seed << " k " << k << " m " << m);
    bool direct = k > 1 && std::none_of(wanted.begin(), wanted.end(), [&](auto piece) { return bad.contains(piece); });
    bool enough = direct || wanted.empty() || k + m - bad.size() >= k;
    REQUIRE(r.possible() == enough);
    if (enough)
      for (auto piece : wanted) REQUIRE(r.obtainable(piece));
  }
}
