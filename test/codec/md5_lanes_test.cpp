#include "codec/md5_lanes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

using namespace troupe;

namespace {
std::vector<std::byte> random_bytes(std::size_t n, std::mt19937& random) {
  std::vector<std::byte> out(n);
  for (auto& b : out) b = static_cast<std::byte>(random());
  return out;
}

md5_digest openssl_md5(bytes_view in) {
  digest d{digest_kind::md5};
  d.add(in);
  auto raw = d.finish();
  md5_digest out;
  std::copy_n(as_bytes(raw).begin(), out.size(), out.begin());
  return out;
}
} // namespace

TEST_CASE("one chain of steps has OpenSSL's MD5, in plain registers and in vector ones, at any alignment and cut") {
  std::mt19937 random{4};
  auto data = random_bytes(64 * 200 + 64, random);
  for (auto chain : {md5_chain::plain, md5_chain_here()}) {
    for (std::size_t blocks = 0; blocks <= 200; ++blocks) {
      auto start = random() % 64;
      auto message = bytes_view{data}.subspan(start, blocks * 64);
      // What MD5 puts behind a message of whole blocks: RFC 1321 sections 3.1 and 3.2.
      std::array<std::byte, 64> padding{std::byte{0x80}};
      for (std::size_t i = 0; i < 8; ++i)
        padding[56 + i] = static_cast<std::byte>(message.size() * 8 >> (8 * i) & 0xff);
      md5_state state;
      for (std::size_t done = 0; done < blocks;) {
        auto n = std::min<std::size_t>(blocks - done, random() % 20);
        md5_advance(state, message.data() + done * 64, n, chain);
        done += n;
      }
      md5_advance(state, padding.data(), 1, chain);
      std::uint32_t words[] = {state.a, state.b, state.c, state.d};
      md5_digest got;
      std::memcpy(got.data(), words, sizeof words);
      CAPTURE(static_cast<int>(chain), blocks, start);
      REQUIRE(got == openssl_md5(message));
    }
  }
}

TEST_CASE("a stream alone has OpenSSL's MD5 for every short length, however it is cut") {
  std::mt19937 random{1};
  auto data = random_bytes(400, random);
  md5_stream stream;
  for (std::size_t n = 0; n <= data.size(); ++n) {
    auto message = bytes_view{data}.first(n);
    stream.add(message);
    REQUIRE(stream.finish() == openssl_md5(message));
    for (std::size_t i = 0; i < n;) {
      auto piece = std::min<std::size_t>(n - i, random() % 130);
      stream.add(message.subspan(i, piece));
      i += piece;
    }
    REQUIRE(stream.finish() == openssl_md5(message));
  }
}

TEST_CASE("lanes of any number, length and alignment advance as they would alone, at every width") {
  std::mt19937 random{2};
  auto data = random_bytes(64 * 60 + 64, random);
  for (std::size_t width : {1u, 8u, 16u}) {
    for (std::size_t count = 0; count <= 40; ++count) {
      std::vector<md5_state> together(count), alone(count);
      std::vector<md5_lane> lanes(count);
      for (std::size_t i = 0; i < count; ++i) {
        together[i] = alone[i] = {static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random()),
          static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random())};
        lanes[i] = {&together[i], data.data() + random() % 64, random() % 3 == 0 ? random() % 60 : random() % 4};
        md5_lane one{&alone[i], lanes[i].data, lanes[i].blocks};
        md5_advance(*one.state, one.data, one.blocks, md5_chain::plain);
      }
      md5_blocks(lanes, width);
      CAPTURE(width, count);
      REQUIRE(together == alone);
    }
  }
}

TEST_CASE("many streams fed side by side in random pieces have OpenSSL's MD5s") {
  std::mt19937 random{3};
  for (std::size_t count : {1u, 2u, 3u, 5u, 8u, 15u, 16u, 17u, 33u, 70u, 130u}) {
    std::vector<std::vector<std::byte>> data;
    for (std::size_t i = 0; i < count; ++i) data.push_back(random_bytes(random() % 5000, random));
    std::vector<md5_stream> streams(count);
    std::vector<std::size_t> fed(count);
    for (auto left = true; left;) {
      left = false;
      std::vector<md5_job> jobs;
      for (std::size_t i = 0; i < count; ++i) {
        auto n = std::min<std::size_t>(data[i].size() - fed[i], random() % 1000);
        jobs.push_back({&streams[i], bytes_view{data[i]}.subspan(fed[i], n)});
        fed[i] += n;
        left |= fed[i] < data[i].size();
      }
      if (random() % 4 == 0) streams[0].add({}); // alone in between
      md5_add(jobs);
    }
    for (std::size_t i = 0; i < count; ++i) {
      CAPTURE(count, i);
      REQUIRE(streams[i].finish() == openssl_md5(data[i]));
    }
  }
}
