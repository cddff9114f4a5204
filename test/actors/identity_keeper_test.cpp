#include "actors/identity_keeper.hpp"

#include "core/identity/changes.hpp"
#include "support/actor_fixture.hpp"
#include "support/model_metadata.hpp"

#include <caf/all.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct keeper_fixture {
  actor_fixture fx;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::shared_ptr<identity::holder> known = std::make_shared<identity::holder>();
  metadata_actor metadata = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
  identity_keeper_actor keeper;

  void start(std::uint32_t rows_per_page = 2) {
    identity_keeper_options o;
    o.metadata = metadata;
    o.known = known;
    o.interval = 1s;
    o.rows_per_page = rows_per_page;
    keeper = fx.own(spawn_identity_keeper(fx.system, o));
  }
  bool commit(result<pb::batch> batch) {
    REQUIRE(batch.has_value());
    auto done = fx.ask<wire<pb::batch_result>>(metadata, commit_atom::value, wire<pb::batch>{std::move(*batch)});
    fx.run();
    return done.value()->applied();
  }
  std::size_t users() const { return known->get()->users.size(); }
};

} // namespace

TEST_CASE("an empty table is known as soon as it was read once") {
  keeper_fixture f;
  CHECK(f.known->get() == nullptr);
  f.start();
  f.fx.run();
  REQUIRE(f.known->get() != nullptr);
  CHECK(f.users() == 0);
}

TEST_CASE("what another process committed is known within an interval") {
  keeper_fixture f;
  f.start();
  f.fx.run();
  for (int i = 0; i < 5; ++i) { // more than a page
    identity::snapshot at = i == 0 ? identity::snapshot{} : *f.known->get();
    REQUIRE(f.commit(identity::add_user(at, "user-" + std::to_string(i), {}, 1)));
    CHECK(f.users() == static_cast<std::size_t>(i));
    f.fx.advance(1s);
    CHECK(f.users() == static_cast<std::size_t>(i) + 1);
  }
}

TEST_CASE("who asks for a look sees what was committed before") {
  keeper_fixture f;
  f.start();
  f.fx.run();
  REQUIRE(f.commit(identity::add_user(*f.known->get(), "alice", {}, 1)));
  auto first = f.fx.ask(f.keeper, sync_atom::value), second = f.fx.ask(f.keeper, sync_atom::value);
  f.fx.run();
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(f.users() == 1);
}

TEST_CASE("what was known stays while the metadata does not answer, and who asks for a look hears of it") {
  keeper_fixture f;
  f.start();
  f.fx.run();
  REQUIRE(f.commit(identity::add_user(*f.known->get(), "alice", {}, 1)));
  f.fx.advance(1s);
  f.fx.stop(f.metadata);
  auto asked = f.fx.ask(f.keeper, sync_atom::value);
  f.fx.advance(10s);
  CHECK_FALSE(asked.ok());
  CHECK(f.users() == 1);
}
