#include "kv_fixture.hpp"
#include "store/sim_disk.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

TEST_CASE("a deleted key is not there, and its indexes neither") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  REQUIRE(p.shard->put(put_of("k", {"v", "red"})));
  REQUIRE(p.shard->put(put_of("other", {"v", "red"})));
  REQUIRE(p.shard->put(delete_of("k")));
  REQUIRE(difference(*p.shard, {{"other", {"v", "red"}}}) == "");
  const auto before = p.shard->facts().log_bytes;
  REQUIRE(p.shard->put(delete_of("k")));
  REQUIRE(p.shard->put(delete_of("never there")));
  REQUIRE(p.shard->facts().log_bytes == before); // nothing to write
  files.crash();
  REQUIRE(p.open(2));
  REQUIRE(difference(*p.shard, {{"other", {"v", "red"}}}) == "");
  REQUIRE(p.shard->put(put_of("k", {"again", "blue"})));
  REQUIRE(difference(*p.shard, {{"k", {"again", "blue"}}, {"other", {"v", "red"}}}) == "");
}

TEST_CASE("a batch puts and deletes as a whole, and its last word counts") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  pb::kv_batch batch;
  add_put(batch, "a", {"1", "red"});
  add_delete(batch, "a");
  add_delete(batch, "b");
  add_put(batch, "b", {"2", "red"});
  REQUIRE(p.shard->put(batch));
  REQUIRE(difference(*p.shard, {{"b", {"2", "red"}}}) == "");
  pb::kv_batch wrong = delete_of("b");
  wrong.mutable_entries(0)->set_value("of a deleted key");
  REQUIRE(p.shard->put(wrong).error().code == ec::bad_argument);
  REQUIRE(p.shard->put(delete_of("")).error().code == ec::bad_argument);
}

TEST_CASE("deletions need the lease as puts do, also of what is not there") {
  sim_disk files{1};
  primary p{files};
  REQUIRE(p.open(1));
  REQUIRE(p.shard->put(put_of("k", some(1))));
  p.lease.lose();
  REQUIRE(p.shard->put(delete_of("k")).error().code == ec::unavailable);
  REQUIRE(p.shard->put(delete_of("never there")).error().code == ec::unavailable);
  p.lease.hold(1, lease_guard::for_ever);
  REQUIRE(p.shard->make_read_only());
  REQUIRE(p.shard->put(delete_of("k")).error().code == ec::precondition_failed);
  REQUIRE(difference(*p.shard, {{"k", some(1)}}) == "");
}
