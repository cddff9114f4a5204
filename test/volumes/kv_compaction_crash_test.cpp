// The power goes off after every single operation on the disk, in turn, while keys are written and deleted and the shard's log is
// compacted: what was acknowledged is there, what was deleted does not come back, what was not acknowledged is whole or absent.
#include "kv_fixture.hpp"

#include "store/sim_disk.hpp"
#include "support/print_result.hpp"
#include "support/sync_log.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

// What a client may find: everything acknowledged; and, of what was not, all or nothing.
struct client {
  explicit client(primary& to) : p(to) {}

  bool write(const pb::kv_batch& batch) {
    auto after = acknowledged;
    for (const auto& e : batch.entries()) {
      after.erase(e.key());
      if (!e.deleted()) after[e.key()] = {e.value(), e.indexes(0).value()};
    }
    const bool done = p.shard->put(batch).has_value();
    (done ? acknowledged : unknown.emplace()) = after;
    return done;
  }
  bool compact() {
    auto gone = p.compact(0.4);
    if (gone) segments += *gone;
    return gone.has_value();
  }
  bool step() { return p.shard->compact({.dead_share = 0.4, .step_bytes = 1000}).has_value(); }

  // Everything that is not as it must be.
  std::string problem(disk& files) {
    auto found = difference(*p.shard, acknowledged);
    if (!found.empty() && unknown && difference(*p.shard, *unknown).empty()) {
      acknowledged = *unknown;
      found.clear();
    }
    if (!found.empty()) return found;
    kv_follower backup{files, shard_place, p.clock};
    if (auto ok = backup.refresh(monotonic_time{0}); !ok) return "a backup: " + ok.error().message;
    if (auto wrong = difference(backup, acknowledged); !wrong.empty()) return "a backup: " + wrong;
    return {};
  }

  primary& p;
  contents acknowledged;
  std::optional<contents> unknown;
  std::uint64_t segments = 0; // that are gone
};

bool work(client& c) {
  for (int i = 0; i < 24; ++i)
    if (!c.write(put_of(key(i), some(i)))) return false;
  for (int i = 0; i < 24; i += 2)
    if (!c.write(i % 4 == 0 ? delete_of(key(i)) : put_of(key(i), some(i + 1, 100)))) return false;
  if (!c.step() || !c.step()) return false;
  pb::kv_batch batch;
  for (int i = 5; i < 9; ++i) add_delete(batch, key(i));
  add_put(batch, key(2), some(100));
  if (!c.write(batch)) return false; // while a segment is half copied
  if (!c.compact()) return false;
  for (int i = 9; i < 24; ++i)
    if (!c.write(delete_of(key(i)))) return false;
  if (!c.p.shard->rotate() || !c.write(put_of("last", some(1)))) return false;
  return c.compact(); // tombstones go
}

struct life {
  std::uint64_t seed = 1;
  std::uint64_t operations = ~std::uint64_t{0};  // before the power goes off
  std::uint64_t in_recovery = ~std::uint64_t{0}; // and once more, after so many of the next start and compaction
  std::uint64_t sync_left_out = ~std::uint64_t{0};
};
struct ended {
  std::string problem;
  bool done = false; // the power lasted
  std::uint64_t operations = 0, recovery = 0, segments = 0;
  std::vector<sync_log::entry> syncs;
};

ended live(const life& l) {
  auto files = std::make_shared<sim_disk>(l.seed);
  auto syncs = std::make_shared<sync_log>();
  syncs->left_out = l.sync_left_out;
  disk_part part{files, "v", syncs};
  REQUIRE(part.make_directory(""));
  primary p{part, l.seed};
  client c{p};
  ended out;
  if (l.operations != ~std::uint64_t{0}) files->power_off_after(l.operations);
  if (p.open(1)) out.done = work(c);
  out.operations = files->operations();
  out.segments = c.segments;
  out.syncs = syncs->all;
  syncs->left_out = ~std::uint64_t{0};
  files->crash();
  if (l.in_recovery != ~std::uint64_t{0}) {
    files->power_off_after(l.in_recovery);
    if (p.open(2)) (void)c.compact();
    files->crash();
  }
  const auto before = files->operations();
  auto opened = p.open(3);
  if (!opened) {
    out.problem = "it does not open: " + opened.error().message;
    return out;
  }
  out.problem = c.problem(part);
  // It goes on from here.
  c.unknown.reset();
  if (out.problem.empty() && !c.compact()) out.problem = "it can not be compacted";
  out.recovery = files->operations() - before;
  if (out.problem.empty() && !c.write(put_of("more", some(7)))) out.problem = "it can not be written to";
  if (out.problem.empty()) out.problem = c.problem(part);
  if (out.problem.empty() && !p.open(4)) out.problem = "it does not open again";
  if (out.problem.empty()) out.problem = c.problem(part);
  return out;
}

} // namespace

TEST_CASE("a power cut at any operation of writing, deleting and compacting loses nothing and brings nothing back") {
  const auto whole = live({});
  REQUIRE(whole.problem == "");
  REQUIRE(whole.done);
  REQUIRE(whole.operations > 150);
  REQUIRE(whole.segments > 3);
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (std::uint64_t n = 0; n < whole.operations; ++n) {
      INFO("seed " << seed << ", power off after operation " << n);
      const auto got = live({.seed = seed, .operations = n});
      REQUIRE(got.problem == "");
      REQUIRE_FALSE(got.done);
    }
}

TEST_CASE("a second power cut while the shard is opened and compacted again changes nothing of that") {
  const auto whole = live({});
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    for (std::uint64_t n = whole.operations / 3; n < whole.operations; n += 7) {
      const auto recovery = live({.seed = seed, .operations = n}).recovery;
      for (std::uint64_t again = 0; again <= recovery; again += 3) {
        INFO("seed " << seed << ", power off after operation " << n << ", and after " << again << " more");
        REQUIRE(live({.seed = seed, .operations = n, .in_recovery = again}).problem == "");
      }
    }
}

TEST_CASE("that what was copied is synced before its segment goes is needed: without it keys are lost") {
  const auto whole = live({});
  std::set<std::string> seen;
  for (std::size_t i = 0; i < whole.syncs.size(); ++i) {
    const auto& s = whole.syncs[i];
    // A sync of the log while it is compacted for the last time.
    if (s.operation < whole.operations * 2 / 3 || s.path.find("wal.active") == std::string::npos) continue;
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
      for (auto n = s.operation; n < whole.operations; ++n)
        if (!live({.seed = seed, .operations = n, .sync_left_out = i}).problem.empty()) seen.insert(s.path);
  }
  REQUIRE_FALSE(seen.empty());
}
