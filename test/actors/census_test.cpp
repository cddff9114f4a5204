// The census: who lives here, by name, and how much waits for them.

#include "actors/census.hpp"
#include "actors/interfaces.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <condition_variable>

using namespace troupe;

namespace {

struct counting_config : caf::actor_system_config, census_keeper {
  counting_config() { set("scheduler.max-threads", std::size_t{2}); }
};

// Holds whoever enters until it is opened.
struct gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int entered = 0;
  void pass() {
    std::unique_lock lock{mutex};
    ++entered;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  }
  void wait_for(int n) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return entered >= n; });
  }
  void let_all_pass() {
    std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }
};

using waiting_actor = caf::typed_actor<caf::replies_to<sync_atom>::with<void>>;
struct waiting_state {
  waiting_state() = default;
  static inline const char* name = "waiting";
};

waiting_actor::behavior_type waiting(waiting_actor::stateful_pointer<waiting_state>, gate* g) {
  return {[g](sync_atom) -> caf::result<void> {
    g->pass();
    return caf::unit;
  }};
}

pb::process_status::actor_kind kind_of(const actor_census& census, const std::string& name) {
  pb::process_status status;
  census.describe(status);
  for (auto& k : status.actors())
    if (k.name() == name) return k;
  return {};
}

} // namespace

TEST_CASE("an actor is counted by its name from its spawn until its end") {
  counting_config config;
  caf::actor_system system{config};
  gate g;
  g.let_all_pass();
  auto one = spawn_counted(system, waiting, &g);
  auto two = spawn_counted<caf::detached>(system, waiting, &g);
  CHECK(kind_of(config.census, "waiting").instances() == 2);
  caf::scoped_actor self{system};
  for (auto& a : {one, two})
    self->request(a, caf::infinite, sync_atom::value).receive([] {}, [](caf::error&) { FAIL(); });
  CHECK(kind_of(config.census, "waiting").received() == 2);
  for (auto& a : {one, two}) {
    self->send_exit(a, caf::exit_reason::user_shutdown);
    self->wait_for(a);
  }
  CHECK(kind_of(config.census, "waiting").instances() == 0);
}

TEST_CASE("what waits in a mailbox is counted, and nothing once it was handled") {
  counting_config config;
  caf::actor_system system{config};
  auto detached = GENERATE(false, true);
  gate g;
  auto a = detached ? spawn_counted<caf::detached>(system, waiting, &g) : spawn_counted(system, waiting, &g);
  caf::scoped_actor self{system};
  auto first = self->request(a, caf::infinite, sync_atom::value);
  g.wait_for(1); // it is in its handler
  constexpr int more = 120;
  for (int i = 1; i < more; ++i) self->send(a, sync_atom::value);
  auto busy = kind_of(config.census, "waiting");
  CHECK(busy.queued() >= more - 1);
  CHECK(busy.queued() <= more);
  CHECK(busy.longest_queue() == busy.queued());
  auto last = self->request(a, caf::infinite, sync_atom::value);
  g.let_all_pass();
  first.receive([] {}, [](caf::error&) { FAIL(); });
  last.receive([] {}, [](caf::error&) { FAIL(); });
  while (kind_of(config.census, "waiting").queued() != 0) std::this_thread::yield(); // until it sleeps
  CHECK(kind_of(config.census, "waiting").received() == more + 1);
  self->send_exit(a, caf::exit_reason::user_shutdown);
  self->wait_for(a);
}

TEST_CASE("an actor system without a census spawns just the same") {
  caf::actor_system_config config;
  caf::actor_system system{config};
  gate g;
  g.let_all_pass();
  auto a = spawn_counted(system, waiting, &g);
  caf::scoped_actor self{system};
  self->request(a, caf::infinite, sync_atom::value).receive([] {}, [](caf::error&) { FAIL(); });
  self->send_exit(a, caf::exit_reason::user_shutdown);
}
