#include "core/write_plan.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace troupe;

namespace {

std::vector<node_id> names(std::size_t n) {
  std::vector<node_id> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back({"n" + std::to_string(i)});
  return out;
}

constexpr stripe_geometry rs32{3, 2, 10};

write_plan::sends place_all(write_plan& p, std::uint64_t stripe, std::uint32_t pieces = 5) {
  write_plan::sends out;
  p.begin_stripe();
  for (std::uint32_t i = 0; i < pieces; ++i) {
    auto more = p.place(stripe, i);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

} // namespace

TEST_CASE("pieces go to their places in order, and are recorded there") {
  write_plan p{{rs32, 60}, names(6)};
  for (std::uint64_t stripe = 0; stripe < 2; ++stripe) {
    auto sends = place_all(p, stripe);
    REQUIRE(sends.size() == 5);
    for (auto& s : sends) {
      REQUIRE(s.candidate == s.piece);
      p.acknowledged(s);
    }
  }
  auto done = p.finish({true, true, true, true, true, false});
  REQUIRE(done.has_value());
  REQUIRE(done->placements == std::vector<placement_run>{{0, {{"n0"}, {"n1"}, {"n2"}, {"n3"}, {"n4"}}}});
  REQUIRE(done->missing.empty());
}

TEST_CASE("a node that fails hands its place to the spare, from that stripe on") {
  write_plan p{{rs32, 90}, names(6)};
  for (auto& s : place_all(p, 0)) p.acknowledged(s);
  auto sends = place_all(p, 1);
  auto retry = p.failed(sends[2], "disk full");
  REQUIRE(retry == write_plan::sends{{1, 2, 5}});
  REQUIRE(p.failed(sends[2], "again").empty()); // late news of an attempt that is over
  p.acknowledged(sends[2]);
  for (auto& s : sends) p.acknowledged(s);
  REQUIRE_FALSE(p.settled(1));
  p.acknowledged(retry[0]);
  REQUIRE(p.settled(1));
  sends = place_all(p, 2);
  REQUIRE(sends[2].candidate == 5);
  for (auto& s : sends) p.acknowledged(s);
  auto done = p.finish(std::vector<bool>(6, true));
  REQUIRE(done.has_value());
  REQUIRE(done->placements.size() == 2);
  REQUIRE(done->placements[1].first_stripe == 1);
  REQUIRE(done->placements[1].nodes[2].name == "n5");
  REQUIRE(done->missing.empty());
}

TEST_CASE("without a spare the piece is missing and recorded, and one more failure is too many") {
  write_plan p{{rs32, 60}, names(5)};
  auto sends = place_all(p, 0);
  REQUIRE(p.failed(sends[4], "gone").empty());
  REQUIRE_FALSE(p.impossible());
  for (std::size_t i = 0; i < 4; ++i) p.acknowledged(sends[i]);
  REQUIRE(p.settled(0));
  sends = place_all(p, 1);
  REQUIRE(sends.size() == 4); // nothing is sent to a node that failed
  for (auto& s : sends) p.acknowledged(s);
  auto done = p.finish({true, true, true, true, false});
  REQUIRE(done.has_value());
  REQUIRE(done->missing == std::vector<write_plan::missing_piece>{{0, 4, {"n4"}}, {1, 4, {"n4"}}});
  REQUIRE(p.finish({true, true, false, true, false}).error().code == ec::unavailable);

  write_plan q{{rs32, 60}, names(5)};
  sends = place_all(q, 0);
  REQUIRE(q.failed(sends[4], "gone").empty());
  REQUIRE(q.failed(sends[1], "no_space").empty());
  REQUIRE(q.impossible());
  REQUIRE(q.impossible()->code == ec::unavailable);
  REQUIRE(q.impossible()->message.find("n1: no_space") != std::string::npos);
  REQUIRE(q.impossible()->message.find("n4: gone") != std::string::npos);
}

TEST_CASE("slow nodes are given up once the stripe has its quorum, not before") {
  write_plan p{{rs32, 30}, names(5)};
  auto sends = place_all(p, 0);
  for (std::size_t i = 0; i < 3; ++i) p.acknowledged(sends[i]);
  REQUIRE(p.give_up_slow(0).empty());
  REQUIRE_FALSE(p.settled(0));
  p.acknowledged(sends[3]);
  REQUIRE(p.has_quorum(0));
  REQUIRE(p.give_up_slow(0).empty());
  REQUIRE(p.settled(0));

  write_plan q{{rs32, 30}, names(6)}; // with a spare, the spare gets the piece
  sends = place_all(q, 0);
  for (std::size_t i = 0; i < 4; ++i) q.acknowledged(sends[i]);
  REQUIRE(q.give_up_slow(0) == write_plan::sends{{0, 4, 5}});
  REQUIRE_FALSE(q.settled(0));
  q.acknowledged({0, 4, 5});
  REQUIRE(q.settled(0));
}

TEST_CASE("with durability all no piece may be missing, with first one copy is enough") {
  write_plan all{{rs32, 30}, names(5), durability::all};
  auto sends = place_all(all, 0);
  for (std::size_t i = 0; i < 4; ++i) all.acknowledged(sends[i]);
  REQUIRE_FALSE(all.has_quorum(0));
  REQUIRE(all.failed(sends[4], "gone").empty()); // there is no spare
  REQUIRE(all.impossible());
  write_plan spared{{rs32, 30}, names(6), durability::all};
  sends = place_all(spared, 0);
  for (std::size_t i = 0; i < 4; ++i) spared.acknowledged(sends[i]);
  REQUIRE(spared.failed(sends[4], "gone") == write_plan::sends{{0, 4, 5}});
  spared.acknowledged({0, 4, 5});
  REQUIRE(spared.has_quorum(0));
  REQUIRE_FALSE(spared.enough({true, true, true, true, false, false}));
  REQUIRE(spared.enough({true, true, true, true, false, true}));

  write_plan first{{stripe_geometry{1, 2, 10}, 10}, names(3), durability::first};
  sends = place_all(first, 0, 3);
  for (const auto& s : sends) first.acknowledged(s);
  REQUIRE_FALSE(first.enough({false, false, false}));
  REQUIRE(first.enough({false, true, false}));
  REQUIRE(first.finish({false, true, false})->missing.size() == 2); // written down for repair
}

TEST_CASE("pieces without bytes in a small stripe count as written") {
  write_plan p{{rs32, 1}, names(5)};
  auto sends = place_all(p, 0);
  REQUIRE(sends.size() == 3); // one data piece and the parity
  for (auto& s : sends) p.acknowledged(s);
  REQUIRE(p.settled(0));
  REQUIRE(p.finish({true, false, false, true, false}).has_value()); // 2 empty + 2 = W
  REQUIRE_FALSE(p.finish({true, false, false, false, false}).has_value());
}

TEST_CASE("whatever fails, in whatever order: every piece is on one node, missing, or the plan says impossible") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 random{seed};
    stripe_geometry g{static_cast<std::uint32_t>(1 + random() % 4), static_cast<std::uint32_t>(random() % 3), 4};
    auto n = g.k + g.m;
    stripe_layout layout{g, 1 + random() % 60};
    write_plan p{layout, names(random() % 4 + n)};
    auto bad = random() % 3; // how many nodes fail from some point on
    std::set<std::size_t> broken;
    std::vector<write_plan::send> on_way;
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::size_t> stored; // by acknowledgement, the last
    auto add = [&](const write_plan::sends& s) { on_way.insert(on_way.end(), s.begin(), s.end()); };
    auto answer = [&](std::size_t i) {
      auto s = on_way[i];
      on_way.erase(on_way.begin() + static_cast<std::ptrdiff_t>(i));
      if (broken.contains(s.candidate)) {
        add(p.failed(s, "broken"));
      } else {
        if (p.on_its_way(s)) stored[{s.stripe, s.piece}] = s.candidate;
        p.acknowledged(s);
      }
    };
    INFO("seed " << seed);
    for (std::uint64_t stripe = 0; stripe < layout.stripes() && !p.impossible(); ++stripe) {
      add(place_all(p, stripe, n));
      while (!on_way.empty() && (p.open_stripes() > 2 || random() % 3 != 0)) {
        if (broken.size() < bad && random() % 8 == 0) broken.insert(random() % p.candidates().size());
        if (random() % 20 == 0) add(p.give_up_slow(random() % layout.stripes()));
        answer(random() % on_way.size());
      }
    }
    while (!on_way.empty()) answer(random() % on_way.size());
    if (p.impossible()) {
      REQUIRE(bad + 1 > 0);
      continue;
    }
    REQUIRE(p.open_stripes() == 0);
    auto done = p.finish(std::vector<bool>(p.candidates().size(), true));
    REQUIRE(done.has_value());
    std::size_t run = 0;
    for (std::uint64_t stripe = 0; stripe < layout.stripes(); ++stripe) {
      while (run + 1 < done->placements.size() && done->placements[run + 1].first_stripe <= stripe) ++run;
      std::uint32_t there = 0;
      std::set<node_id> distinct;
      for (std::uint32_t piece = 0; piece < n; ++piece) {
        if (piece < g.k && layout.data_bytes(stripe, piece) == 0) {
          ++there;
          continue;
        }
        write_plan::missing_piece gap{stripe, piece, done->placements[run].nodes[piece]};
        if (std::find(done->missing.begin(), done->missing.end(), gap) != done->missing.end()) continue;
        REQUIRE(stored.contains({stripe, piece}));
        REQUIRE(done->placements[run].nodes[piece] == p.candidates()[stored[{stripe, piece}]]);
        REQUIRE(distinct.insert(done->placements[run].nodes[piece]).second); // no node holds two pieces of a stripe
        ++there;
      }
      REQUIRE(there >= write_quorum(g.k, g.m));
    }
  }
}
