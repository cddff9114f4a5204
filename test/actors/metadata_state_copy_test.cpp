// A state's way from one base to another, for LMDB on the real disk and for the memory base of the other tests.
#include "store/separated_base.hpp"
#include "store/temporary_directory.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>

namespace troupe {
namespace {

std::map<std::string, std::string> rows_of(const state_base& base) {
  std::map<std::string, std::string> all;
  auto c = base.scan().value();
  REQUIRE(c->seek(""));
  while (c->valid()) {
    all.emplace(c->key(), c->value());
    REQUIRE(c->next());
  }
  return all;
}

void fill(state_base& base, const std::string& prefix, int rows) {
  state_base::changes changes;
  for (int i = 0; i < rows; ++i)
    changes.emplace(prefix + std::to_string(10'000 + i) + std::string(i % 7 == 0 ? 1000 : 0, 'k'),
      std::string(static_cast<std::size_t>(i % 3000), 'v'));
  REQUIRE(base.apply(changes, "position of " + prefix));
}

result<> carry(state_base& from, state_base& to, bool damage = false) {
  auto copy = from.copy().value();
  auto arrival = to.receive().value();
  for (std::uint64_t at = 0; at < copy->bytes();) {
    auto n = std::min<std::uint64_t>(copy->bytes() - at, 100'000);
    auto page = copy->read(at, static_cast<std::size_t>(n)).value();
    if (damage && at == 0) page[17] = static_cast<char>(page[17] ^ 1);
    REQUIRE(arrival->append(as_bytes(page)));
    at += n;
  }
  TROUPE_TRY(arrival->finish(copy->bytes(), copy->checksum()));
  return to.replace(*arrival);
}

} // namespace

TEST_CASE("a copied state takes the place of another one, and stays", "[raft]") {
  test::temporary_directory here, there;
  auto in_memory = GENERATE(false, true);
  std::shared_ptr<state_base> from, to;
  auto open = [&](const std::string& path) {
    return open_separated_base({.path = path, .map_bytes_max = std::uint64_t{1} << 30}).value();
  };
  from = in_memory ? make_memory_base() : open(here.path() + "/state");
  to = in_memory ? make_memory_base() : open(there.path() + "/state");
  fill(*from, "a", 2000);
  fill(*to, "b", 500);
  auto expected = rows_of(*from), old = rows_of(*to);

  CHECK(carry(*from, *to, true).error().code == ec::corrupt);
  CHECK(rows_of(*to) == old);
  REQUIRE(carry(*from, *to));
  CHECK(rows_of(*to) == expected);
  CHECK(to->position().value() == "position of a");
  CHECK(to->get(expected.begin()->first).value() == expected.begin()->second);
  fill(*to, "c", 10); // it takes changes
  CHECK(rows_of(*to).size() == expected.size() + 10);
  if (in_memory) return;
  to.reset();
  to = open(there.path() + "/state");
  CHECK(rows_of(*to).size() == expected.size() + 10);
}

TEST_CASE("a copy holds the rows as of its beginning, and leaves no file behind", "[raft]") {
  test::temporary_directory here;
  auto path = here.path() + "/state";
  auto base = open_separated_base({.path = path, .map_bytes_max = std::uint64_t{1} << 30}).value();
  fill(*base, "a", 100);
  auto copy = base->copy().value();
  fill(*base, "b", 100);
  CHECK(copy->position() == "position of a");
  auto files = [&] {
    std::size_t n = 0;
    for ([[maybe_unused]] auto& f : std::filesystem::directory_iterator(path)) ++n;
    return n;
  };
  CHECK(files() == 3); // data.mdb, lock.mdb, values
  auto arrival = base->receive().value();
  CHECK(files() == 4);
  arrival.reset();
  CHECK(files() == 3);
  copy.reset();
  base.reset();
  std::ofstream{path + "/incoming-7.mdb"} << "half of a copy";
  base = open_separated_base({.path = path, .map_bytes_max = std::uint64_t{1} << 30}).value();
  CHECK(files() == 3);
}

TEST_CASE("a state is not replaced while somebody walks through it", "[raft]") {
  test::temporary_directory here;
  auto base = open_separated_base({.path = here.path() + "/state", .map_bytes_max = std::uint64_t{1} << 30}).value();
  auto source = open_separated_base({.path = here.path() + "/other", .map_bytes_max = std::uint64_t{1} << 30}).value();
  fill(*base, "a", 10);
  fill(*source, "b", 10);
  auto walk = base->scan().value();
  CHECK(carry(*source, *base).error().code == ec::unavailable);
  walk.reset();
  CHECK(rows_of(*base).size() == 10);
  CHECK(carry(*source, *base));
}

} // namespace troupe
