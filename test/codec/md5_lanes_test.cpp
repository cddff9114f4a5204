#include "codec/md5_lanes.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

using namespace troupe;

namespace {
std::vector<std::byte> random_bytes(std::size_t n, std::mt19937& random) {
  std::vector<std::byte> out(n);
  for (auto& b : out) b = static_cast<std::byte>(random());
  return out;
}
} // namespace

TEST_CASE("a stream alone has OpenSSL's MD5 for every short length, however it is cut") {
  std::mt19937 random{1};
  auto data = random_bytes(400, random);
  md5_stream stream;
  for (std::size_t n = 0; n <= data.size(); ++n) {
    auto message = bytes_view{data}.first(n);
    stream.add(message);
    REQUIRE(stream.finish() == md5(message));
    for (std::size_t i = 0; i < n;) {
      auto piece = std::min<std::size_t>(n - i, random() % 130);
      stream.add(message.subspan(i, piece));
      i += piece;
    }
    REQUIRE(stream.finish() == md5(message));
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
        md5_blocks({&one, 1}); // OpenSSL
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
      REQUIRE(streams[i].finish() == md5(data[i]));
    }
  }
}
