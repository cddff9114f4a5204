#include "core/byte_cache.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace troupe;

namespace {
chunk of(std::size_t n, char c) { return chunk::copy_of(std::string(n, c)); }
} // namespace

TEST_CASE("a content is found in the version that is asked for, and in no other") {
  byte_cache cache{10'000, 5'000};
  cache.put("a", "v1", of(100, 'x'));
  REQUIRE(cache.find("a", "v1") == of(100, 'x'));
  REQUIRE_FALSE(cache.find("a", "v2"));
  REQUIRE_FALSE(cache.find("a", "v1")); // it was dropped: a newer one exists
  REQUIRE(cache.entries() == 0);
  REQUIRE(cache.bytes() == 0);
}

TEST_CASE("what was not asked for longest goes first") {
  byte_cache cache{3 * 1200, 1100};
  cache.put("a", "v", of(1000, 'a'));
  cache.put("b", "v", of(1000, 'b'));
  cache.put("c", "v", of(1000, 'c'));
  REQUIRE(cache.find("a", "v"));
  cache.put("d", "v", of(1000, 'd'));
  REQUIRE_FALSE(cache.find("b", "v"));
  REQUIRE(cache.find("a", "v"));
  REQUIRE(cache.find("c", "v"));
  REQUIRE(cache.find("d", "v"));
}

TEST_CASE("what is too large is not taken, and what it would have replaced is gone") {
  byte_cache cache{10'000, 1000};
  cache.put("a", "v1", of(500, 'x'));
  cache.put("a", "v2", of(1001, 'y'));
  REQUIRE(cache.entries() == 0);
}

TEST_CASE("whatever is put and asked for, the bound holds and nothing stale is given") {
  std::mt19937 random{11};
  byte_cache cache{20'000, 6'000};
  std::map<std::string, std::pair<std::string, char>> truth;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = std::to_string(random() % 40);
    const auto c = static_cast<char>('a' + random() % 26);
    switch (random() % 3) {
    case 0:
      truth[key] = {std::to_string(i), c};
      cache.put(key, std::to_string(i), of(random() % 7'000, c));
      break;
    case 1: cache.erase(key); break;
    default:
      if (auto t = truth.find(key); t != truth.end())
        if (auto found = cache.find(key, t->second.first); found && !found->empty())
          REQUIRE(found->text().front() == t->second.second);
    }
    REQUIRE(cache.bytes() <= 20'000);
  }
}
