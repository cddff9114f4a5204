// MD5s of bodies that are at hand together: each its own, in whatever company.
#include "api/http/hash_batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace {

std::string small_body(std::size_t bytes, char fill) { return std::string(bytes, fill) + std::to_string(bytes); }

// One coroutine each, all ready at once; what each got, in order.
std::vector<std::optional<md5_digest>> together(
  asio::io_context& io, hash_batch& hashes, const std::vector<std::string>& bodies) {
  std::vector<std::optional<md5_digest>> got(bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i)
    asio::co_spawn(
      io,
      [](hash_batch& h, const std::string& b, std::optional<md5_digest>& out) -> task<> {
        out = co_await h.md5(as_bytes(b));
      }(hashes, bodies[i], got[i]),
      asio::detached);
  io.restart();
  io.run();
  return got;
}

} // namespace

TEST_CASE("bodies that are hashed together get each its own MD5") {
  asio::io_context io{1};
  hash_batch hashes{io};
  for (std::size_t count : {1, 2, 7, 16, 40}) {
    CAPTURE(count);
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < count; ++i)
      bodies.push_back(small_body(i * 977 % 8193, static_cast<char>('a' + i % 26)));
    auto got = together(io, hashes, bodies);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(got[i] == md5(as_bytes(bodies[i])));
  }
}

TEST_CASE("a small_body that comes while others are handed their MD5 gets its own") {
  asio::io_context io{1};
  hash_batch hashes{io};
  auto first = small_body(4096, 'x'), second = small_body(100, 'y');
  std::vector<md5_digest> got;
  asio::co_spawn(
    io,
    [](hash_batch& h, const std::string& a, const std::string& b, std::vector<md5_digest>& out) -> task<> {
      out.push_back(co_await h.md5(as_bytes(a)));
      out.push_back(co_await h.md5(as_bytes(b)));
    }(hashes, first, second, got),
    asio::detached);
  io.run();
  REQUIRE(got == std::vector{md5(as_bytes(first)), md5(as_bytes(second))});
}

TEST_CASE("a request that waits for its MD5 ends with its io thread") {
  auto ended = std::make_shared<int>();
  auto content = small_body(10, 'z');
  {
    asio::io_context io{1};
    hash_batch hashes{io};
    asio::co_spawn(
      io,
      [](hash_batch& h, const std::string& b, std::shared_ptr<int> held) -> task<> {
        co_await h.md5(as_bytes(b));
        ++*held;
      }(hashes, content, ended),
      asio::detached);
    io.run_one(); // it waits now
    CHECK(ended.use_count() == 2);
  }
  CHECK(ended.use_count() == 1);
  CHECK(*ended == 0);
}
