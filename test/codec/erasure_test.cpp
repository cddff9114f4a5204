#include "codec/erasure.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>

using namespace troupe;

namespace {

struct pieces {
  std::vector<std::vector<std::byte>> all;
  pieces(const erasure_codec& codec, std::size_t bytes, std::mt19937& random) : all(codec.k() + codec.m()) {
    std::vector<const std::byte*> data;
    std::vector<std::byte*> parity;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].resize(bytes);
      if (i < codec.k()) {
        auto word = random();
        for (auto& b : all[i]) b = static_cast<std::byte>((word = word * 1664525u + 1013904223u) >> 24);
        data.push_back(all[i].data());
      } else {
        parity.push_back(all[i].data());
      }
    }
    codec.encode(data, parity, bytes);
  }
};

// Loses a random `lost` pieces, asks for them (and one that is not lost), compares.
bool survives(const erasure_codec& codec, const pieces& p, std::size_t lost, std::size_t bytes, std::mt19937& random) {
  std::vector<std::size_t> order(p.all.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<const std::byte*> there(p.all.size());
  for (std::size_t i = 0; i < there.size(); ++i) there[i] = p.all[i].data();
  std::vector<std::size_t> wanted(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(lost));
  for (auto i : wanted) there[i] = nullptr;
  if (lost < order.size()) wanted.push_back(order[lost]);
  std::vector<std::vector<std::byte>> out(wanted.size(), std::vector<std::byte>(bytes + 1, std::byte{0xee}));
  std::vector<std::byte*> outputs;
  for (auto& o : out) outputs.push_back(o.data());
  if (!codec.reconstruct(there, wanted, outputs, bytes)) return false;
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    if (!std::equal(p.all[wanted[w]].begin(), p.all[wanted[w]].end(), out[w].begin())) return false;
    if (out[w][bytes] != std::byte{0xee}) return false; // wrote past the end
  }
  return true;
}

} // namespace

TEST_CASE("every geometry survives the loss of any m pieces, at awkward lengths") {
  std::mt19937 random{20261120};
  for (std::size_t k = 1; k <= erasure_codec::k_max; ++k) {
    for (std::size_t m = 0; m <= erasure_codec::m_max && k + m <= erasure_codec::pieces_max; ++m) {
      auto codec = erasure_codec::make(k, m);
      REQUIRE(codec.has_value());
      for (std::size_t bytes : {1u, 2u, 15u, 63u, 64u, 65u, 127u, 1000u, 4099u}) {
        pieces p{*codec, bytes, random};
        for (int round = 0; round < 4; ++round) {
          auto lost = round == 0 ? m : random() % (m + 1);
          CAPTURE(k, m, bytes, lost);
          REQUIRE(survives(*codec, p, lost, bytes, random));
        }
      }
    }
  }
}

TEST_CASE("the default geometries survive with pieces around one MiB") {
  std::mt19937 random{5};
  for (auto [k, m] : {std::pair{3u, 2u}, {1u, 2u}, {4u, 2u}, {10u, 4u}, {16u, 4u}}) {
    auto codec = *erasure_codec::make(k, m);
    for (std::size_t bytes : {(1u << 20) - 1, 1u << 20, (1u << 20) + 1}) {
      pieces p{codec, bytes, random};
      CAPTURE(k, m, bytes);
      CHECK(survives(codec, p, m, bytes, random));
    }
  }
}

TEST_CASE("every loss pattern of 3+2 and 4+3 is survived") {
  std::mt19937 random{6};
  for (auto [k, m] : {std::pair<std::size_t, std::size_t>{3, 2}, {4, 3}}) {
    auto codec = *erasure_codec::make(k, m);
    pieces p{codec, 100, random};
    for (unsigned mask = 0; mask < 1u << (k + m); ++mask) {
      std::vector<const std::byte*> there(k + m);
      std::vector<std::size_t> wanted;
      for (std::size_t i = 0; i < k + m; ++i) {
        if (mask >> i & 1)
          wanted.push_back(i);
        else
          there[i] = p.all[i].data();
      }
      std::vector<std::vector<std::byte>> out(wanted.size(), std::vector<std::byte>(100));
      std::vector<std::byte*> outputs;
      for (auto& o : out) outputs.push_back(o.data());
      auto done = codec.reconstruct(there, wanted, outputs, 100);
      CAPTURE(k, m, mask);
      REQUIRE(done.has_value() == (wanted.size() <= m));
      if (!done)
        CHECK(done.error().code == ec::unavailable);
      else
        for (std::size_t w = 0; w < wanted.size(); ++w) REQUIRE(out[w] == p.all[wanted[w]]);
    }
  }
}

TEST_CASE("with one data piece the parity pieces are copies") {
  std::mt19937 random{7};
  auto codec = *erasure_codec::make(1, 4);
  pieces p{codec, 777, random};
  for (auto& piece : p.all) CHECK(piece == p.all[0]);
}

TEST_CASE("parity bytes of 3+2 never change between releases") {
  // The matrix is part of the disk format: data written by one release is decoded by the next.
  auto codec = *erasure_codec::make(3, 2);
  std::byte a{0x01}, b{0x53}, c{0xca}, p{}, q{};
  const std::byte* data[] = {&a, &b, &c};
  std::byte* parity[] = {&p, &q};
  codec.encode(data, parity, 1);
  CHECK(std::to_integer<int>(p) == 0x99); // 1/(3^i) and 1/(4^i) over polynomial 0x11d, computed independently
  CHECK(std::to_integer<int>(q) == 0x80);
}

TEST_CASE("a geometry out of range and spans of the wrong size are refused") {
  CHECK(erasure_codec::make(0, 1).has_error());
  CHECK(erasure_codec::make(17, 0).has_error());
  CHECK(erasure_codec::make(4, 9).has_error());
  CHECK(erasure_codec::make(16, 5).has_error());
  CHECK(erasure_codec::make(16, 4).has_value());
  auto codec = *erasure_codec::make(2, 1);
  std::byte x[1]{}, y[1]{};
  const std::byte* two[] = {x, x};
  const std::byte* three[] = {x, x, nullptr};
  std::byte* out[] = {y};
  std::size_t first[] = {0}, beyond[] = {3};
  CHECK(codec.reconstruct(two, first, out, 1).error().code == ec::bad_argument);
  CHECK(codec.reconstruct(three, beyond, out, 1).error().code == ec::bad_argument);
  CHECK(codec.reconstruct(three, {}, out, 1).error().code == ec::bad_argument);
  CHECK(codec.reconstruct(three, {}, {}, 1).has_value());
}
