#include "cli/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using troupe::cli::histogram;

TEST_CASE("an empty histogram answers zero") {
  const histogram h;
  CHECK(h.count() == 0);
  CHECK(h.percentile(0.99) == 0);
  CHECK(h.max() == 0);
  CHECK(h.mean() == 0);
}

TEST_CASE("values below 128 microseconds are exact") {
  histogram h;
  for (std::uint64_t v = 0; v != 128; ++v) h.add(v);
  for (std::uint64_t v = 0; v != 128; ++v) CHECK(h.percentile(static_cast<double>(v + 1) / 128) == v);
}

TEST_CASE("a percentile is never below the true one and at most 1.6 % above it") {
  std::mt19937_64 random{7};
  for (const auto spread : {1'000u, 100'000u, 50'000'000u}) {
    histogram h;
    std::vector<std::uint64_t> values;
    for (int i = 0; i != 10'000; ++i) {
      values.push_back(random() % spread);
      h.add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double p : {0.01, 0.5, 0.9, 0.99, 0.999}) {
      const auto exact = values[static_cast<std::size_t>(p * 10'000) - 1];
      INFO("spread " << spread << " percentile " << p);
      CHECK(h.percentile(p) >= exact);
      CHECK(static_cast<double>(h.percentile(p)) <= static_cast<double>(exact) * 1.016 + 1);
    }
    CHECK(h.percentile(1) == values.back());
    CHECK(h.max() == values.back());
  }
}

TEST_CASE("a merged histogram equals one that saw everything") {
  histogram a, b, both;
  for (std::uint64_t v = 1; v < 1'000'000; v = v * 3 + 1) {
    (v % 2 == 0 ? a : b).add(v);
    both.add(v);
  }
  a.merge(b);
  CHECK(a.count() == both.count());
  CHECK(a.max() == both.max());
  CHECK(a.mean() == both.mean());
  for (const double p : {0.1, 0.5, 0.99}) CHECK(a.percentile(p) == both.percentile(p));
}

TEST_CASE("a value beyond the last bucket counts and shows as the maximum") {
  histogram h;
  h.add(~std::uint64_t{0} / 2);
  CHECK(h.count() == 1);
  CHECK(h.max() == ~std::uint64_t{0} / 2);
  CHECK(h.percentile(0.5) > (std::uint64_t{1} << 39));
}
