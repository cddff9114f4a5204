#include "core/latency_estimate.hpp"
#include "core/placement.hpp"
#include "core/quorum.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;

TEST_CASE("the write quorum of three copies is two, of RS(3,2) four, and it always exceeds k when there is parity") {
  REQUIRE(write_quorum(1, 0) == 1);
  REQUIRE(write_quorum(1, 1) == 2);
  REQUIRE(write_quorum(1, 2) == 2);
  REQUIRE(write_quorum(3, 2) == 4);
  REQUIRE(write_quorum(2, 2) == 3);
  REQUIRE(write_quorum(8, 4) == 10);
  for (std::uint32_t k = 1; k <= 16; ++k)
    for (std::uint32_t m = 1; m <= 8; ++m) {
      REQUIRE(write_quorum(k, m) > k);
      REQUIRE(write_quorum(k, m) <= k + m);
    }
}

TEST_CASE("a stripe is acknowledged with W pieces, and impossible as soon as W can not be reached") {
  using state = stripe_quorum::state;
  stripe_quorum q{5, 4};
  REQUIRE(q.acknowledged(0) == state::waiting);
  REQUIRE(q.acknowledged(0) == state::waiting); // twice is once
  REQUIRE(q.failed(4) == state::waiting);
  REQUIRE(q.acknowledged(1) == state::waiting);
  REQUIRE(q.acknowledged(2) == state::waiting);
  REQUIRE_FALSE(q.settled());
  REQUIRE(q.acknowledged(3) == state::acknowledged);
  REQUIRE(q.settled());
  REQUIRE(q.failed(3) == state::impossible); // its sync failed after its append was fine
  REQUIRE(q.acknowledged(4) == state::acknowledged);

  stripe_quorum none{1, 1};
  REQUIRE(none.failed(0) == state::impossible);
}

TEST_CASE("the default geometry needs no more nodes than there are") {
  for (std::size_t n = 1; n < 9; ++n)
    for (std::uint64_t size : {std::uint64_t{1}, small_content_bytes, std::uint64_t{10} << 20}) {
      auto g = default_geometry({n, n}, size);
      REQUIRE(check(g));
      REQUIRE(g.k + g.m <= n);
    }
  REQUIRE(default_geometry({5, 5}, 1 << 20) == stripe_geometry{3, 2, default_piece_bytes});
  REQUIRE(default_geometry({4, 4}, 1 << 20) == stripe_geometry{1, 2, default_piece_bytes});
  REQUIRE(default_geometry({5, 5}, 1 << 10) == stripe_geometry{1, 2, default_piece_bytes});
  REQUIRE(default_geometry({2, 2}, 1 << 20).m == 1);
  REQUIRE(default_geometry({1, 1}, 1 << 20, {.piece_bytes = 4096}) == stripe_geometry{1, 0, 4096});
  REQUIRE(default_geometry({8, 8}, 1 << 20, {.data = 4, .parity = 2}) == stripe_geometry{4, 2, default_piece_bytes});
  REQUIRE(default_geometry({8, 5}, 1 << 20, {.copies = 2, .data = 4}) == stripe_geometry{1, 1, default_piece_bytes});
  // Nodes that are away: no erasure coding, but as many copies as there are to be.
  REQUIRE(default_geometry({5, 4}, 1 << 20) == stripe_geometry{1, 2, default_piece_bytes});
  REQUIRE(default_geometry({5, 1}, 1 << 20) == stripe_geometry{1, 2, default_piece_bytes});
}

TEST_CASE("a placement run begins where a stripe's nodes differ from the stripe before") {
  placement_runs p;
  std::vector<node_id> a{{"a"}, {"b"}}, b{{"a"}, {"c"}};
  p.add(0, a);
  p.add(1, a);
  p.add(2, b);
  p.add(3, b);
  REQUIRE(p.runs() == std::vector<placement_run>{{0, a}, {2, b}});
}

TEST_CASE("the latency estimate settles near the 95th percentile and follows a change") {
  std::mt19937_64 random{11};
  latency_estimate e;
  std::uniform_int_distribution<int> fast{1000, 21'000};
  for (int i = 0; i < 20'000; ++i) e.sample(latency_estimate::duration{fast(random)});
  REQUIRE(e.p95().count() == Approx(20'000).epsilon(0.25));
  for (int i = 0; i < 1000; ++i) e.sample(latency_estimate::duration{fast(random) * 10});
  REQUIRE(e.p95().count() == Approx(200'000).epsilon(0.35));
  for (int i = 0; i < 1000; ++i) e.sample(latency_estimate::duration{10'000'000});
  REQUIRE(e.p95().count() == 2'000'000);
}
