#include "support/metadata_member.hpp"

namespace troupe {
namespace {

using namespace std::chrono_literals;

pb::batch once(std::string key, std::string value) {
  auto b = put(key, std::move(value));
  auto& p = *b.add_preconditions();
  p.set_kind(pb::precondition::not_exists);
  p.set_key(std::move(key));
  return b;
}

} // namespace

TEST_CASE("a group of one leads at once, commits, and reads what it committed") {
  metadata_member m;
  REQUIRE(m.start());
  CHECK(m.status().state() == "leader");
  CHECK(m.committed(put("o1", "one")).applied());
  CHECK(m.get("o1") == "one");
  CHECK(!m.get("o2"));
  CHECK(m.all() == std::map<std::string, std::string>{{"o1", "one"}});
  auto status = m.status();
  CHECK(status.applied_index() == status.commit_index());
  CHECK(status.leader() == "metadata-1");
}

TEST_CASE("a commit is answered only when its entry is on disk, and invisible before") {
  metadata_member m;
  REQUIRE(m.start());
  m.gate->open = false;
  auto a = m.commit(put("o1", "one"));
  m.actors->advance(1s);
  CHECK(!a.ready());
  CHECK(!m.get("o1"));
  m.release_sync();
  CHECK(a.value()->applied());
  CHECK(m.get("o1") == "one");
}

TEST_CASE("a failed precondition is a result, and of two racing writers one wins") {
  metadata_member m;
  REQUIRE(m.start());
  auto a = m.commit(once("o1", "a")), b = m.commit(once("o1", "b"));
  m.actors->run();
  CHECK(a.value()->applied());
  CHECK(!b.value()->applied());
  CHECK(b.value()->failed_precondition() == 0);
  CHECK(m.get("o1") == "a");
}

TEST_CASE("commits that arrive while a sync runs share the next one") {
  metadata_member m;
  REQUIRE(m.start());
  m.gate->open = false;
  auto before = m.gate->syncs;
  std::vector<answer<wire<pb::batch_result>>> answers;
  answers.push_back(m.commit(put("o0", "x")));
  m.actors->run();
  for (int i = 1; i < 64; ++i) answers.push_back(m.commit(put("o" + std::to_string(i), "x")));
  m.actors->run();
  REQUIRE(m.gate->waiting.size() == 1); // the first commit alone
  m.release_sync();
  REQUIRE(m.gate->waiting.size() == 1); // the other 63 in one entry
  CHECK(answers.front().ready());
  CHECK(!answers.back().ready());
  m.release_sync();
  CHECK(m.gate->syncs - before == 2);
  for (auto& a : answers) CHECK(a.value()->applied());
  CHECK(answers[1].value()->index() == answers[63].value()->index());
}

TEST_CASE("commits that arrive together share the first entry") {
  metadata_member m;
  REQUIRE(m.start());
  auto before = m.gate->syncs;
  std::vector<answer<wire<pb::batch_result>>> answers;
  for (int i = 0; i < 64; ++i) answers.push_back(m.commit(put("o" + std::to_string(i), "x")));
  m.actors->run();
  CHECK(m.gate->syncs - before == 1);
  for (auto& a : answers) CHECK(a.value()->index() == answers[0].value()->index());
}

TEST_CASE("an entry is bounded in batches and bytes; a larger batch has one of its own") {
  metadata_member m;
  m.options.entry_batches_max = 3;
  m.options.entry_bytes_max = 1000;
  REQUIRE(m.start());
  m.gate->open = false;
  auto first = m.commit(put("o0", "x"));
  m.actors->run();
  std::vector<answer<wire<pb::batch_result>>> answers;
  for (auto bytes : {10, 10, 10, 10, 5000, 600, 600})
    answers.push_back(m.commit(put("o1", std::string(static_cast<std::size_t>(bytes), 'x'))));
  m.actors->run();
  m.gate->open = true;
  m.release_sync();
  std::vector<std::uint64_t> entries;
  for (auto& a : answers) entries.push_back(a.value()->index() - first.value()->index());
  CHECK(entries == std::vector<std::uint64_t>{1, 1, 1, 2, 3, 4, 5});
}

TEST_CASE("more commits than may wait are refused with slow_down, by number and by bytes") {
  metadata_member m;
  m.options.waiting_max = 4;
  m.options.waiting_bytes_max = 10'000;
  REQUIRE(m.start());
  m.gate->open = false;
  std::vector<answer<wire<pb::batch_result>>> answers;
  answers.push_back(m.commit(put("o1", "x")));
  m.actors->run();
  for (int i = 0; i < 5; ++i) answers.push_back(m.commit(put("o1", "x")));
  m.actors->run();
  CHECK(!answers[4].ready()); // one on its way, four waiting
  CHECK(answers[5].code() == ec::slow_down);
  m.gate->open = true;
  m.release_sync();
  CHECK(answers[4].ok());
  m.gate->open = false;
  auto small = m.commit(put("o1", "x"));
  m.actors->run();
  auto large = m.commit(put("o1", std::string(6000, 'x'))), too_much = m.commit(put("o1", std::string(6000, 'x')));
  m.actors->run();
  CHECK(!large.ready());
  CHECK(too_much.code() == ec::slow_down);
}

TEST_CASE("a batch that no member would apply is refused before it is proposed") {
  metadata_member m;
  REQUIRE(m.start());
  auto before = m.status().applied_index();
  auto large = m.commit(put("o1", std::string(metadata_machine::batch_bytes_max, 'x'))),
       nameless = m.commit(put("", "x"));
  m.actors->run();
  CHECK(large.code() == ec::too_large);
  CHECK(nameless.code() == ec::bad_argument);
  CHECK(m.status().applied_index() == before);
  CHECK(
    m.committed(put("o1", std::string(metadata_machine::batch_bytes_max - 64, 'x'))).applied()); // the largest that is
}

TEST_CASE("everything is there after a clean stop and a start") {
  metadata_member m;
  REQUIRE(m.start());
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 50; ++i)
    m.committed(put("o" + std::to_string(i), expected["o" + std::to_string(i)] = std::to_string(i)));
  REQUIRE(m.start());
  CHECK(m.all() == expected);
  CHECK(m.committed(put("o1", "again")).applied());
}

TEST_CASE("after a failed sync nothing is acknowledged any more, reads included") {
  metadata_member m;
  REQUIRE(m.start());
  m.committed(put("o1", "one"));
  m.files->add_fault(
    {.on = sim_fault::operation::sync, .path = "wal.active", .after = 0, .times = 1, .code = ec::io_error});
  auto lost = m.commit(put("o2", "two")), behind = m.commit(put("o3", "three"));
  m.actors->run();
  CHECK(lost.code() == ec::closed);
  CHECK(behind.code() == ec::closed);
  m.actors->advance(10s);
  auto later = m.commit(put("o4", "four"));
  auto read = m.read({"o1"});
  m.actors->run();
  CHECK(later.code() == ec::closed);
  CHECK(later.outcome().error().message.find("stopped") != std::string::npos);
  CHECK(read.code() == ec::closed);
  CHECK(m.status().state() == "unavailable");
  m.crash();
  REQUIRE(m.start());
  CHECK(m.get("o1") == "one"); // what was acknowledged; the outcome of the others was never known
}

TEST_CASE("a full disk refuses commits, not reads, and room makes it accept again") {
  metadata_member m;
  REQUIRE(m.start());
  m.committed(put("o1", "one"));
  m.files->set_capacity(1);
  auto refused = m.commit(put("o2", std::string(1'000'000, 'x')));
  m.actors->run();
  CHECK(refused.code() == ec::no_space);
  CHECK(m.get("o1") == "one");
  CHECK(!m.get("o2"));
  m.files->set_capacity(std::uint64_t{1} << 40);
  CHECK(m.committed(put("o3", "three")).applied());
  m.crash();
  REQUIRE(m.start());
  CHECK(m.all() == std::map<std::string, std::string>{{"o1", "one"}, {"o3", "three"}});
}

TEST_CASE("a member that can not reach a majority says so instead of answering from its own state") {
  metadata_member m;
  m.options.members = {{1, "metadata-1"}, {2, "metadata-2"}, {3, "metadata-3"}};
  REQUIRE(m.start());
  auto write = m.commit(put("o1", "one"));
  auto read = m.read({"o1"});
  m.actors->advance(1s);
  CHECK(!write.ready()); // a leader may yet come
  m.actors->advance(m.options.patience);
  CHECK(write.code() == ec::not_leader);
  CHECK(read.code() == ec::not_leader);
  CHECK(m.status().state() != "leader");
}

TEST_CASE("a checkpoint shortens the log, and the start after it replays only what came later") {
  metadata_member m;
  m.options.checkpoint = {.overlay_bytes = std::uint64_t{1} << 40, .command_bytes = 20'000, .commands = 1'000'000};
  m.options.segment_bytes = 4096;
  m.options.held_bytes_max = 60'000;
  REQUIRE(m.start());
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 300; ++i) {
    auto key = "o" + std::to_string(i % 40);
    m.committed(put(key, expected[key] = std::string(500, static_cast<char>('a' + i % 26))));
  }
  m.actors->run();
  auto status = m.status();
  CHECK(m.powered->checkpoints >= 5);
  CHECK(status.checkpoint_index() + 60 > status.applied_index());
  CHECK(segment_files(*m.files).size() < 20); // of about 45 that were written
  m.crash();
  REQUIRE(m.start());
  CHECK(m.all() == expected);
}

TEST_CASE("the number of entries makes a checkpoint due as well, and so do the rows in memory") {
  metadata_member m;
  m.options.checkpoint = {
    .overlay_bytes = std::uint64_t{1} << 40, .command_bytes = std::uint64_t{1} << 40, .commands = 10};
  REQUIRE(m.start());
  for (int i = 0; i < 9; ++i) m.committed(put("o1", "x"));
  CHECK(m.powered->checkpoints == 0);
  m.committed(put("o1", "x"));
  m.actors->run();
  CHECK(m.powered->checkpoints == 1);
  m.options.checkpoint = {.overlay_bytes = 1000, .command_bytes = std::uint64_t{1} << 40, .commands = 1'000'000};
  REQUIRE(m.start());
  m.committed(put("o2", std::string(2000, 'x')));
  m.actors->run();
  CHECK(m.powered->checkpoints == 1);
}

TEST_CASE("a failed checkpoint is tried again, and commits wait at the log's bound until it succeeds") {
  metadata_member m;
  m.options.checkpoint = {.overlay_bytes = std::uint64_t{1} << 40, .command_bytes = 5'000, .commands = 1'000'000};
  m.options.held_bytes_max = 20'000;
  m.options.patience = 3s;
  REQUIRE(m.start());
  m.powered->failing = true;
  std::size_t accepted = 0;
  answer<wire<pb::batch_result>> a;
  for (int i = 0; i < 100; ++i, ++accepted) {
    a = m.commit(put("o" + std::to_string(i), std::string(1000, 'x')));
    m.actors->run();
    if (!a.ready()) break;
  }
  CHECK(accepted > 10);
  CHECK(accepted < 30);
  CHECK(m.get("o1")); // reads go on
  m.actors->advance(4s);
  CHECK(a.code() == ec::slow_down);
  auto b = m.commit(put("last", "x"));
  m.powered->failing = false;
  CHECK(m.actors->run_until([&] { return b.ready(); }, 10s));
  CHECK((b.ok() || b.code() == ec::slow_down));
  m.actors->advance(10s);
  CHECK(m.powered->checkpoints >= 1);
  CHECK(m.committed(put("after", "x")).applied());
  CHECK(m.all().size() >= accepted);
}

TEST_CASE("a checkpoint whose manifest can not be written is tried again as well") {
  metadata_member m;
  m.options.checkpoint = {.overlay_bytes = std::uint64_t{1} << 40, .command_bytes = 5'000, .commands = 1'000'000};
  m.options.held_bytes_max = 20'000;
  REQUIRE(m.start());
  m.files->add_fault(
    {.on = sim_fault::operation::write, .path = "metadata/snapshot", .after = 0, .times = 1, .code = ec::io_error});
  for (int i = 0; i < 8; ++i) m.committed(put("o" + std::to_string(i), std::string(1000, 'x')));
  m.actors->advance(7s);
  CHECK(m.powered->checkpoints >= 2);
  CHECK(m.files->exists("metadata/snapshot").value());
  for (int i = 0; i < 60; ++i) m.committed(put("o" + std::to_string(i), std::string(1000, 'x')));
  m.crash();
  REQUIRE(m.start());
  CHECK(m.all().size() == 60);
}

TEST_CASE("an exit waits for what is in flight and refuses the rest") {
  metadata_member m;
  REQUIRE(m.start());
  m.gate->open = false;
  auto in_flight = m.commit(put("o1", "one"));
  m.actors->run();
  auto waiting = m.commit(put("o2", "two"));
  m.actors->run();
  m.actors->stop(m.actor);
  CHECK(!in_flight.ready());
  CHECK(waiting.code() == ec::closed);
  auto later = m.commit(put("o3", "three"));
  m.actors->run();
  CHECK(later.code() == ec::closed);
  m.release_sync();
  CHECK(in_flight.value()->applied());
  auto gone = m.read({"o1"});
  m.actors->run();
  CHECK(gone.code() == ec::unavailable); // it has ended
}

TEST_CASE("when the syncer is gone commits are refused, not forgotten") {
  metadata_member m;
  REQUIRE(m.start());
  m.gate->open = false;
  SECTION("it ended before") { m.actors->stop(m.syncer); }
  auto a = m.commit(put("o1", "one"));
  m.actors->run();
  SECTION("it forgot the request") { caf::anon_send(m.syncer, abandon_atom::value); }
  m.actors->run();
  CHECK(a.code() == ec::closed);
}

} // namespace troupe
