// METADATA never starts from damaged or mismatched files: it would lead with a past that others, or its own clients, know
// to be different.
#include "support/metadata_member.hpp"

#include "store/log.hpp"

namespace troupe {

TEST_CASE("a damaged Raft log keeps the member from starting, and the message names the place") {
  metadata_member m;
  REQUIRE(m.start());
  for (int i = 0; i < 20; ++i) m.committed(put("o" + std::to_string(i), std::string(100, 'x')));
  m.stop();
  m.files->flip_bit("metadata/wal.active", 700, 3);
  auto started = m.start();
  REQUIRE(started.has_error());
  CHECK(started.error().code == ec::corrupt);
  CHECK(started.error().message.find("wal.active") != std::string::npos);
}

TEST_CASE("a damaged or missing vote keeps the member from starting: it could vote twice in a term") {
  metadata_member m;
  REQUIRE(m.start());
  m.committed(put("o1", "one"));
  m.stop();
  SECTION("damaged") { m.files->flip_bit("metadata/vote", 13, 1); }
  SECTION("another file") { m.files->overwrite("metadata/vote", 0, as_bytes("nonsense")); }
  SECTION("missing") { REQUIRE(m.files->remove("metadata/vote")); }
  auto started = m.start();
  REQUIRE(started.has_error());
  CHECK(started.error().code == ec::corrupt);
  CHECK(started.error().message.find("metadata/vote") != std::string::npos);
}

TEST_CASE("a state and a log that do not belong together keep the member from starting") {
  metadata_member m;
  m.options.checkpoint.commands = 10;
  m.options.segment_bytes = 4096;
  REQUIRE(m.start());
  for (int i = 0; i < 25; ++i) m.committed(put("o" + std::to_string(i), std::string(2000, 'x')));
  m.actors->run();
  REQUIRE(m.powered->checkpoints == 2);
  m.stop();
  auto lose_log = [&] {
    for (auto& name : segment_files(*m.files)) REQUIRE(m.files->remove(name));
  };
  std::string what = GENERATE("the state was lost", "the log was lost", "log, vote and manifest were lost",
    "the manifest was lost", "the manifest is damaged", "the state is of something else");
  CAPTURE(what);
  if (what == "the state was lost") m.base = make_memory_base();
  if (what == "the log was lost") lose_log();
  if (what == "log, vote and manifest were lost") {
    lose_log();
    REQUIRE(m.files->remove("metadata/vote"));
    REQUIRE(m.files->remove("metadata/snapshot"));
  }
  if (what == "the manifest was lost") REQUIRE(m.files->remove("metadata/snapshot"));
  if (what == "the manifest is damaged") m.files->flip_bit("metadata/snapshot", 20, 1);
  if (what == "the state is of something else") {
    m.base = make_memory_base();
    REQUIRE(m.base->apply({}, "elsewhere"));
  }
  auto started = m.start();
  REQUIRE(started.has_error());
  CHECK(started.error().code == ec::corrupt);
  CHECK(!started.error().message.empty());
}

TEST_CASE("an entry in the log that is not one of ours stops the member") {
  metadata_member m;
  REQUIRE(m.start());
  m.committed(put("o1", "one"));
  auto status = m.status();
  m.stop();
  {
    auto opened = log::open(*m.files,
      {.directory = "metadata",
        .segment_bytes = m.options.segment_bytes,
        .payload_bytes_max = 1 << 20,
        .skip_damage = false,
        .zeros_ahead_bytes = 0,
        .random = nullptr},
      {}, [](const log_entry_view&) { return result<>{}; });
    REQUIRE(opened);
    pb::log_entry misplaced;
    misplaced.set_index(77);
    auto bytes = misplaced.SerializeAsString();
    auto view = as_bytes(bytes);
    REQUIRE(
      (*opened)->append({.type = 1, .id = {}, .n1 = status.applied_index() + 1, .n2 = status.term()}, {&view, 1}));
    REQUIRE((*opened)->sync());
  }
  auto started = m.start();
  REQUIRE(started.has_error());
  CHECK(started.error().code == ec::corrupt);
  CHECK(started.error().message.find("77") != std::string::npos);
}

} // namespace troupe
