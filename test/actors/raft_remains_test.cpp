// A group of which one member's disk is left: what is on it, and the new group that is made of it.
#include "actors/raft_remains.hpp"
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

raft_remains_options disk_of(metadata_group& g, std::uint64_t id) {
  auto& m = g.at(id);
  auto index = metadata_replica::index_of(m.base->position().value());
  return {.files = m.files.get(), .directory = "metadata", .state_index = index.value()};
}

// Member 3 alone has its disk; the others start anew, as those that know that their group exists.
void lose_all_but_the_third(metadata_group& g) {
  g.crash(3);
  for (std::uint64_t id : {1, 2}) {
    g.wipe(id);
    REQUIRE(g.start(id));
  }
}

void add(metadata_group& g, std::uint64_t id) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto a = g.change(g.wait_for_leader(), pb::member_change::add, id);
    g.wait(a);
    if (a.ok()) return;
    g.run_for(500);
  }
  FAIL("member " << id << " was never added");
}

} // namespace

TEST_CASE("what is left of a group is one member's log, as a new group of one, which grows again", "[raft]") {
  auto commits = GENERATE(5, 70, 200); // without a checkpoint, and with some
  metadata_group g{static_cast<std::uint64_t>(commits), 3};
  g.start_all();
  for (int i = 0; i < commits; ++i) REQUIRE(g.committed(g.wait_for_leader(), "o" + std::to_string(i), "x"));
  REQUIRE(g.run_until([&] { return g.level(); }));
  lose_all_but_the_third(g);
  auto r = look_at(disk_of(g, 3));
  REQUIRE(r);
  CHECK(r->members.size() == 3);
  CHECK(r->last_index >= static_cast<std::uint64_t>(commits));
  CHECK(r->state_index <= r->last_index);
  CHECK(!r->recovering);
  REQUIRE(g.start(3)); // as it is, it waits for ever
  g.run_for(20'000);
  CHECK(g.leader() == 0);
  g.crash(3);

  REQUIRE(found_alone(disk_of(g, 3), {3, g.address_of(3)}));
  auto alone = look_at(disk_of(g, 3)).value();
  REQUIRE(alone.members.size() == 1);
  CHECK(alone.members.front().id() == 3);
  CHECK(alone.last_index == r->last_index + 1);
  CHECK(alone.term == 1'000'000);
  REQUIRE(g.start(3));
  CHECK(g.wait_for_leader() == 3);
  CHECK(g.status(3).term() > 1'000'000);
  for (int i = 0; i < commits; ++i) CHECK(g.get(3, "o" + std::to_string(i)) == "x");
  REQUIRE(g.committed(3, "later", "alone"));
  for (std::uint64_t id : {1, 2}) {
    add(g, id);
    REQUIRE(g.committed(g.wait_for_leader(), "later-" + std::to_string(id), "y"));
  }
  REQUIRE(g.run_until([&] { return g.level(); }));
  g.crash(3);
  auto next = g.wait_for_leader();
  CHECK(next != 3);
  CHECK(g.get(next, "o0") == "x");
  CHECK(g.get(next, "later") == "alone");
  REQUIRE(g.committed(next, "last", "z"));
  REQUIRE(g.start(3));
  CHECK(g.agreed_rows().size() == static_cast<std::size_t>(commits) + 4);
}

TEST_CASE(
  "a power failure while a new group is made leaves the old group or the new one, and may be followed by another try",
  "[raft]") {
  for (std::uint64_t writes = 0;; ++writes) {
    metadata_group g{7, 3};
    g.start_all();
    for (int i = 0; i < 5; ++i) REQUIRE(g.committed(g.wait_for_leader(), "o" + std::to_string(i), "x"));
    REQUIRE(g.run_until([&] { return g.level(); }));
    lose_all_but_the_third(g);
    g.at(3).files->power_off_after(writes);
    auto done = found_alone(disk_of(g, 3), {3, g.address_of(3)});
    g.at(3).files->crash();
    INFO("after " << writes << " writes");
    auto found = look_at(disk_of(g, 3));
    REQUIRE(found);
    CHECK((found->members.size() == 3 || found->members.size() == 1));
    if (done) CHECK(found->members.size() == 1);
    if (found->members.size() == 3) REQUIRE(found_alone(disk_of(g, 3), {3, g.address_of(3)}));
    REQUIRE(g.start(3));
    CHECK(g.wait_for_leader() == 3);
    for (int i = 0; i < 5; ++i) CHECK(g.get(3, "o" + std::to_string(i)) == "x");
    if (done) break;
    REQUIRE(writes < 100);
  }
}

TEST_CASE("a new group's term is above any that the lost members can have reached", "[raft]") {
  CHECK(term_of_a_new_group(1) == 1'000'000);
  CHECK(term_of_a_new_group(999'999) == 1'000'000);
  CHECK(term_of_a_new_group(1'000'000) == 2'000'000);
  CHECK(term_of_a_new_group(1'000'007) == 2'000'000);
}

} // namespace troupe
