#include "volumes/volume.hpp"

#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "support/print_result.hpp"
#include "volumes/volume_fixture.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

// Every file and directory below it, with contents.
std::string everything_in(const std::string& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
    std::string content = "directory";
    if (entry.is_regular_file()) {
      std::ostringstream bytes;
      bytes << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
      content = hex_encode(bytes_view{sha256(as_bytes(bytes.str()))});
    }
    files[entry.path().string()] = content;
  }
  std::string out;
  for (const auto& [name, content] : files) out += name + " " + content + "\n";
  return out;
}

std::string value_of(kv_view& view, const std::string& key) {
  auto value = view.get(key);
  REQUIRE(value);
  return value->value_or("(nothing)");
}

// Time goes on by itself, a step each time that somebody looks, from the look `from` on.
struct stepping_clock final : monotonic_clock {
  monotonic_time now() const override { return ++looks >= from ? 2h : 1h; }
  mutable int looks = 0;
  int from = 1'000'000;
};

} // namespace

TEST_CASE("what was acknowledged is there when the volume is opened again") {
  temporary_directory at;
  set_clock clock;
  {
    auto v = volume_at(at.path(), clock);
    v->hold(row_of("a", 1), lease_guard::for_ever);
    REQUIRE(v->make_shard(7));
    REQUIRE((*v->writable(7))->put(batch_of({{"k", "v"}, {"k2", "v2"}})));
    REQUIRE((*v->writable(7))->put(batch_of({{"k", "newer"}})));
  }
  auto v = volume_at(at.path(), clock);
  REQUIRE(v->seal(2));
  v->hold(row_of("a", 2), lease_guard::for_ever);
  auto shard = *v->writable(7);
  REQUIRE(value_of(*shard, "k") == "newer");
  REQUIRE(value_of(*shard, "k2") == "v2");
  REQUIRE(shard->facts().token == 1);
  REQUIRE(std::filesystem::is_directory(at.path() + "/shard-7/log-2"));
}

TEST_CASE("whoever does not hold the lease writes nothing") {
  temporary_directory at;
  set_clock clock;
  auto v = volume_at(at.path(), clock);
  REQUIRE(v->writable(1).error().code == ec::unavailable);
  v->hold(row_of("a", 1), clock.at + 1s);
  REQUIRE(v->make_shard(1));
  auto shard = *v->writable(1);
  REQUIRE(shard->put(batch_of({{"k", "v"}})));
  clock.at += 1s;
  auto before = everything_in(at.path());
  REQUIRE(shard->put(batch_of({{"k", "late"}})).error().code == ec::unavailable);
  REQUIRE(v->writable(1).error().code == ec::unavailable);
  REQUIRE_FALSE(v->held());
  REQUIRE(everything_in(at.path()) == before);
}

TEST_CASE("a write whose fsync outlasted the lease is not acknowledged") {
  temporary_directory at;
  stepping_clock clock;
  auto v = volume_at(at.path(), clock);
  v->hold(row_of("a", 1), 1h + 1s);
  REQUIRE(v->make_shard(1));
  auto shard = *v->writable(1);
  clock.from = clock.looks + 2; // the look before the write, and then the one before the acknowledgement
  auto put = shard->put(batch_of({{"k", "v"}}));
  REQUIRE_FALSE(put);
  REQUIRE(put.error().code == ec::timeout);
  REQUIRE(value_of(*shard, "k") == "(nothing)");
  REQUIRE(shard->broken());
}

TEST_CASE("a primary that was replaced can not change a byte of the volume, even when it thinks that it may") {
  temporary_directory at;
  set_clock clock;
  kv_limits limits;
  limits.segment_bytes = 4096; // so that it also tries to begin new segments
  auto old = volume_at(at.path(), clock, limits);
  old->hold(row_of("a", 1), lease_guard::for_ever); // it was stopped after it had looked at its lease, as it were
  REQUIRE(old->make_shard(1));
  REQUIRE(old->make_shard(2));
  auto its_shard = *old->writable(1);
  REQUIRE(its_shard->put(batch_of({{"k", "acknowledged"}})));

  auto now = volume_at(at.path(), clock, limits);
  REQUIRE(now->seal(2));
  now->hold(row_of("b", 2), lease_guard::for_ever);
  const auto before = everything_in(at.path());
  for (int i = 0; i < 100; ++i) (void)its_shard->put(batch_of({{"k", std::string(200, 'x')}}));
  (void)its_shard->rotate();
  (void)its_shard->make_read_only();
  REQUIRE(everything_in(at.path()) == before);

  auto shard = *now->writable(1);
  REQUIRE(value_of(*shard, "k") == "acknowledged");
  REQUIRE(shard->put(batch_of({{"k", "from the new one"}})));
  REQUIRE(value_of(*now->readable(1)->view, "k") == "from the new one");
}

TEST_CASE("a seal that was interrupted is finished by the next one") {
  temporary_directory at;
  set_clock clock;
  auto old = volume_at(at.path(), clock);
  old->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(old->make_shard(1));
  auto its_shard = *old->writable(1);
  REQUIRE(its_shard->put(batch_of({{"k", "v"}})));
  // The process that took over with token 2 ended between renaming and copying, or while it copied.
  auto interrupted = GENERATE(false, true);
  std::filesystem::rename(at.path() + "/shard-1/log-1", at.path() + "/shard-1/log-2");
  if (interrupted) std::ofstream{at.path() + "/shard-1/log-2/wal.sealing"} << "half of it";
  auto third = volume_at(at.path(), clock);
  REQUIRE(third->seal(3));
  third->hold(row_of("c", 3), lease_guard::for_ever);
  (void)its_shard->put(batch_of({{"k", "late"}}));
  REQUIRE(value_of(**third->writable(1), "k") == "v");
  REQUIRE_FALSE(std::filesystem::exists(at.path() + "/shard-1/log-3/wal.sealing"));
}

TEST_CASE("a seal with an old token is refused") {
  temporary_directory at;
  set_clock clock;
  auto v = volume_at(at.path(), clock);
  v->hold(row_of("a", 5), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  REQUIRE(volume_at(at.path(), clock)->seal(4).error().code == ec::conflict);
}

TEST_CASE("records with a lower token than an earlier one are left out, and counted") {
  kv_index index;
  index.apply({1, 64}, 2, batch_of({{"k", "new"}}));
  index.apply({1, 128}, 1, batch_of({{"k", "old"}, {"other", "old"}}));
  REQUIRE(index.find("k")->record == log_position{1, 64});
  REQUIRE_FALSE(index.find("other"));
  REQUIRE(index.refused() == 1);
  index.apply({1, 192}, 2, batch_of({{"other", "new"}}));
  REQUIRE(index.find("other"));
}

TEST_CASE("a backup sees what the primary wrote, and says how old its view is") {
  temporary_directory at;
  set_clock clock;
  auto primary = volume_at(at.path(), clock), backup = volume_at(at.path(), clock);
  primary->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(primary->make_shard(1));
  auto shard = *primary->writable(1);
  REQUIRE(shard->put(batch_of({{"k", "1"}})));
  auto reading = backup->readable(1);
  REQUIRE(reading);
  REQUIRE_FALSE(reading->primary);
  REQUIRE(value_of(*reading->view, "k") == "1");
  REQUIRE(shard->put(batch_of({{"k", "2"}})));
  clock.at += 5ms; // it does not look again so soon, and says so
  reading = backup->readable(1);
  REQUIRE(value_of(*reading->view, "k") == "1");
  REQUIRE(reading->age == 5ms);
  clock.at += 1s;
  reading = backup->readable(1);
  REQUIRE(value_of(*reading->view, "k") == "2");
  REQUIRE(reading->age == 0ms);
}

TEST_CASE("a backup changes no byte of the volume, and reads across segments") {
  temporary_directory at;
  set_clock clock;
  kv_limits limits;
  limits.segment_bytes = 4096;
  auto primary = volume_at(at.path(), clock, limits), backup = volume_at(at.path(), clock, limits);
  primary->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(primary->make_shard(1));
  for (int i = 0; i < 200; ++i) {
    REQUIRE((*primary->writable(1))->put(batch_of({{"k" + std::to_string(i), std::string(100, 'v')}})));
    if (i % 7 == 0) {
      clock.at += 1s;
      REQUIRE(backup->readable(1)->view->facts().keys == static_cast<std::uint64_t>(i + 1));
    }
  }
  const auto before = everything_in(at.path());
  clock.at += 1s;
  auto reading = backup->readable(1);
  REQUIRE(reading->view->facts().keys == 200);
  for (int i = 0; i < 200; ++i) REQUIRE(value_of(*reading->view, "k" + std::to_string(i)) == std::string(100, 'v'));
  REQUIRE(everything_in(at.path()) == before);
}

TEST_CASE("a backup follows a takeover, whatever the old primary left at the end of its log") {
  temporary_directory at;
  set_clock clock;
  auto old = volume_at(at.path(), clock), backup = volume_at(at.path(), clock), now = volume_at(at.path(), clock);
  old->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(old->make_shard(1));
  REQUIRE((*old->writable(1))->put(batch_of({{"k", "1"}})));
  REQUIRE(value_of(*backup->readable(1)->view, "k") == "1");
  { // half a record
    std::fstream active{at.path() + "/shard-1/log-1/wal.active", std::ios::binary | std::ios::in | std::ios::out};
    active.seekp(64 + 64 + 16);
    active << std::string(40, 'T');
  }
  REQUIRE(now->seal(2));
  now->hold(row_of("b", 2), lease_guard::for_ever);
  REQUIRE((*now->writable(1))->put(batch_of({{"k", "2"}})));
  clock.at += 1s;
  REQUIRE(value_of(*backup->readable(1)->view, "k") == "2");
}

TEST_CASE("a full shard refuses writes and goes on serving reads") {
  temporary_directory at;
  set_clock clock;
  kv_limits limits;
  SECTION("by the bytes of its log") { limits.shard_bytes_max = 4096; }
  SECTION("by the memory of its index") { limits.memory_bytes_max = 3000; }
  auto v = volume_at(at.path(), clock, limits);
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  auto shard = *v->writable(1);
  result<> last;
  int written = 0;
  for (; written < 100 && last; ++written)
    last = shard->put(batch_of({{"k" + std::to_string(written), std::string(200, 'v')}}));
  REQUIRE_FALSE(last);
  REQUIRE(last.error().code == ec::no_space);
  REQUIRE(last.error().message.find("full") != std::string::npos);
  REQUIRE(written > 2);
  REQUIRE(value_of(*shard, "k0") == std::string(200, 'v'));
  REQUIRE_FALSE(shard->broken());
}

TEST_CASE("writers at the same time share fsyncs and all of their writes are there") {
  temporary_directory at;
  set_clock clock;
  auto v = volume_at(at.path(), clock);
  v->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(v->make_shard(1));
  auto shard = *v->writable(1);
  std::vector<std::thread> writers;
  std::atomic<int> failed{0};
  for (int t = 0; t < 8; ++t)
    writers.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        auto key = std::to_string(t) + "/" + std::to_string(i);
        if (!shard->put(batch_of({{key, key}}))) ++failed;
        auto back = shard->get(key); // its own write, at once
        if (!back || *back != key) ++failed;
      }
    });
  for (auto& w : writers) w.join();
  REQUIRE(failed == 0);
  REQUIRE(shard->facts().keys == 400);
  REQUIRE(shard->scan("3/", "", 1000, 1 << 20)->rows.size() == 50);
}

TEST_CASE("shards that nobody uses are closed when too many are open") {
  temporary_directory at;
  set_clock clock;
  shard_volume_options o;
  o.id = "v";
  o.root = at.path();
  o.clock = &clock;
  o.open_shards_max = 3;
  volume v{std::move(o)};
  v.hold(row_of("a", 1), lease_guard::for_ever);
  for (std::uint64_t id = 1; id <= 10; ++id) REQUIRE(v.make_shard(id));
  REQUIRE(v.open_shards() <= 3);
  auto used = *v.writable(1);
  REQUIRE(used->put(batch_of({{"k", "v"}})));
  for (std::uint64_t id = 2; id <= 10; ++id) REQUIRE(v.writable(id));
  REQUIRE(*v.writable(1) == used); // the same one: two must not write
  REQUIRE(v.shards()->size() == 10);
}

TEST_CASE("a backup's lag is that of the oldest shard it has open, and grows while it can not be read") {
  temporary_directory at;
  set_clock clock;
  std::ofstream{at.path() + "/volume-id"} << "v\n";
  auto primary = volume_at(at.path(), clock), backup = volume_at(at.path(), clock);
  primary->hold(row_of("a", 1), lease_guard::for_ever);
  REQUIRE(primary->make_shard(1));
  REQUIRE(primary->make_shard(2));
  primary->follow();
  REQUIRE_FALSE(primary->lag());
  backup->follow();
  REQUIRE(backup->lag() == 0ns); // nothing is open
  REQUIRE(backup->readable(1));
  REQUIRE(backup->readable(2));
  clock.at += 10s;
  backup->follow(); // it catches up without anybody who reads
  REQUIRE(backup->lag() == 0ns);
  std::filesystem::rename(at.path() + "/shard-1/log-1", at.path() + "/shard-1/away");
  clock.at += 7s;
  backup->follow();
  REQUIRE(backup->lag() >= 7s);
  std::filesystem::rename(at.path() + "/volume-id", at.path() + "/elsewhere");
  std::filesystem::rename(at.path() + "/shard-2", at.path() + "/gone");
  clock.at += 7s;
  backup->follow(); // a volume that is not mounted has lost no shards
  REQUIRE(backup->lag() >= 14s);
  std::filesystem::rename(at.path() + "/gone", at.path() + "/shard-2");
  std::filesystem::rename(at.path() + "/elsewhere", at.path() + "/volume-id");
  REQUIRE(primary->remove_shard(2));
  std::filesystem::rename(at.path() + "/shard-1/away", at.path() + "/shard-1/log-1");
  clock.at += 5s;
  backup->follow(); // one that was deleted is not waited for
  REQUIRE(backup->lag() == 0ns);
}

TEST_CASE("a volume of one node at a time is acquired before it is sealed, and its backups read nothing") {
  temporary_directory at;
  set_clock clock;
  std::vector<std::string> done;
  bool works = true;
  shard_volume_options o;
  o.id = "v";
  o.root = at.path();
  o.shared = true;
  o.clock = &clock;
  o.acquire = [&](const std::function<bool()>& mine) -> result<> {
    done.push_back(mine() ? "acquire" : "acquire in vain");
    if (!works) return fail(ec::timeout, "not attached");
    return {};
  };
  o.release = [&]() -> result<> {
    done.push_back("release");
    return {};
  };
  volume v{std::move(o)};
  REQUIRE(v.exclusive());
  REQUIRE(v.readable(1).error().code == ec::unavailable);
  REQUIRE(v.seal(1));
  v.claim(2, clock.at + 3s);
  works = false;
  REQUIRE(v.seal(2).error().code == ec::timeout);
  works = true;
  REQUIRE(v.seal(2));
  v.hold(row_of("a", 2), lease_guard::for_ever);
  REQUIRE(v.make_shard(1));
  REQUIRE(v.readable(1)->primary);
  v.step_down();
  REQUIRE(v.readable(1).error().code == ec::unavailable);
  REQUIRE(v.seal(2)); // the claim went with the lease
  REQUIRE(v.release());
  REQUIRE(done == std::vector<std::string>{"acquire in vain", "acquire", "acquire", "acquire in vain", "release"});
  v.follow();
  REQUIRE_FALSE(v.lag());
}
