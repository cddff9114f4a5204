#include "core/stripe.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;

namespace {

// Every byte of the content is in exactly one data piece, in order.
void check_cover(const stripe_layout& layout) {
  auto g = layout.geometry();
  std::uint64_t total = 0;
  for (std::uint64_t s = 0; s < layout.stripes(); ++s) {
    auto length = layout.piece_bytes(s);
    REQUIRE(length >= 1);
    REQUIRE(length <= g.piece_bytes);
    if (s + 1 < layout.stripes()) REQUIRE(length == g.piece_bytes);
    for (std::uint32_t p = 0; p < g.k; ++p) {
      auto n = layout.data_bytes(s, p);
      REQUIRE(n <= length);
      if (n != 0) {
        auto r = layout.at(total);
        REQUIRE(r == piece_range{s, p, 0, n});
        r = layout.at(total + n - 1);
        REQUIRE(r == piece_range{s, p, n - 1, 1});
      }
      total += n;
    }
  }
  REQUIRE(total == layout.size());
}

} // namespace

TEST_CASE("the data pieces of a layout cover the content once, in order, for every size near a boundary") {
  for (auto [k, m, bytes] : {std::tuple{1u, 0u, 8u}, {1u, 2u, 8u}, {3u, 2u, 8u}, {4u, 2u, 5u}, {16u, 8u, 3u}})
    for (std::uint64_t size = 0; size < 4u * k * bytes + 2; ++size) check_cover(stripe_layout{{k, m, bytes}, size});
}

TEST_CASE("empty content has no stripes and no ranges") {
  stripe_layout layout{{3, 2, 8}, 0};
  REQUIRE(layout.stripes() == 0);
  REQUIRE(layout.ranges(0, 100).empty());
}

TEST_CASE("the last stripe spreads its rest evenly, with short or empty pieces at the end") {
  stripe_layout one{{3, 2, 8}, 1};
  REQUIRE(one.piece_bytes(0) == 1);
  REQUIRE(one.data_bytes(0, 0) == 1);
  REQUIRE(one.data_bytes(0, 1) == 0);
  stripe_layout four{{3, 2, 8}, 24 + 4};
  REQUIRE(four.piece_bytes(0) == 8);
  REQUIRE(four.piece_bytes(1) == 2);
  REQUIRE(four.data_bytes(1, 1) == 2);
  REQUIRE(four.data_bytes(1, 2) == 0);
}

TEST_CASE("ranges are the bytes asked for, clipped to the content") {
  std::mt19937_64 rng{7};
  for (int i = 0; i < 3000; ++i) {
    stripe_layout layout{
      {static_cast<std::uint32_t>(1 + rng() % 5), 2, static_cast<std::uint32_t>(1 + rng() % 9)}, rng() % 200};
    auto g = layout.geometry();
    auto offset = rng() % 220, length = rng() % 220;
    auto next = std::min(offset, layout.size());
    auto end = std::min(offset + length, layout.size());
    for (auto r : layout.ranges(offset, length)) {
      REQUIRE(r.length > 0);
      REQUIRE(r.offset + r.length <= layout.data_bytes(r.stripe, r.piece));
      REQUIRE(r.stripe * g.k * g.piece_bytes + r.piece * layout.piece_bytes(r.stripe) + r.offset == next);
      next += r.length;
    }
    REQUIRE(next == std::max(end, std::min(offset, layout.size())));
  }
  REQUIRE(stripe_layout({1, 0, 8}, 20).ranges(4, ~std::uint64_t{0}).size() == 3); // no overflow
}

TEST_CASE("a geometry out of bounds is refused") {
  REQUIRE(check({1, 0, 1}));
  REQUIRE(check({16, 8, 1u << 20}));
  for (auto g : {stripe_geometry{0, 0, 1}, {17, 0, 1}, {1, 9, 1}, {1, 0, 0}, {1, 0, (1u << 20) + 1}})
    REQUIRE(check(g).error().code == ec::bad_argument);
}
