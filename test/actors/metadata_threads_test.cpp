// METADATA as a process runs it: threads of their own, the real disk, LMDB. What it promises is tested one thread at a
// time in metadata_test.cpp; this shows that the parts fit.
#include "actors/metadata.hpp"
#include "actors/syncer.hpp"
#include "store/disk.hpp"
#include "store/separated_base.hpp"
#include "store/temporary_directory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <catch2/catch.hpp>

#include <map>

namespace troupe {
namespace {

class threaded_member {
public:
  explicit threaded_member(const std::string& path) {
    metadata_options o;
    o.files = make_posix_disk(path);
    o.directory = "raft";
    o.base = open_separated_base({.path = path + "/state"}).value();
    o.checkpoint.commands = 20; // checkpoints run beside the commits
    o.segment_bytes = 8192;
    o.syncer = syncer_;
    o.worker = worker_;
    member = spawn_metadata(system_, std::move(o)).value();
  }
  ~threaded_member() {
    for (auto a : {caf::actor_cast<caf::actor>(member), caf::actor_cast<caf::actor>(syncer_),
           caf::actor_cast<caf::actor>(worker_)}) {
      self->send_exit(a, caf::exit_reason::user_shutdown);
      self->wait_for(a);
    }
  }
  threaded_member(const threaded_member&) = delete;
  threaded_member& operator=(const threaded_member&) = delete;

private:
  struct config : caf::actor_system_config {
    config() { register_messages(*this); }
  };
  config config_;
  caf::actor_system system_{config_};
  syncer_actor syncer_ = spawn_syncer(system_, true);
  worker_actor worker_ = spawn_worker(system_, true);

public:
  metadata_actor member;
  caf::scoped_actor self{system_, true};
};

wire<pb::batch> row(int n, int round) {
  pb::batch b;
  auto& o = *b.add_operations();
  o.set_kind(pb::operation::put);
  o.set_key("o" + std::to_string(n));
  o.set_value(std::to_string(round) + std::string(100, 'x'));
  return wire{std::move(b)};
}

} // namespace

TEST_CASE("with threads, the real disk and LMDB, commits survive a stop and a start, checkpoints in between") {
  test::temporary_directory where;
  constexpr int rows = 40, rounds = 4;
  for (int round = 0; round < rounds; ++round) {
    threaded_member m{where.path()};
    for (int n = 0; n < rows; ++n) m.self->send(m.member, commit_atom::value, row(n, round)); // nobody waits for these
    for (int n = 0; n < rows; ++n)
      m.self->request(m.member, std::chrono::seconds{30}, commit_atom::value, row(n, round))
        .receive([&](const wire<pb::batch_result>& r) { CHECK(r->applied()); },
          [](const caf::error& e) { FAIL(from_caf(e).message); });
  }
  threaded_member m{where.path()};
  pb::list_request q;
  q.set_prefix("o");
  q.set_limit(1000);
  int seen = 0;
  m.self->request(m.member, std::chrono::seconds{30}, list_atom::value, wire{std::move(q)})
    .receive(
      [&](const wire<pb::list_reply>& page) {
        for (const auto& e : page->entries())
          seen += e.value() == std::to_string(rounds - 1) + std::string(100, 'x') ? 1 : 0;
      },
      [](const caf::error& e) { FAIL(from_caf(e).message); });
  CHECK(seen == rows);
  bool checkpointed = false;
  m.self->request(m.member, std::chrono::seconds{30}, status_atom::value)
    .receive([&](const wire<pb::metadata_status>& s) { checkpointed = s->checkpoint_index() > 0; },
      [](const caf::error& e) { FAIL(from_caf(e).message); });
  CHECK(checkpointed);
}

} // namespace troupe
