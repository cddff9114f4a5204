// Both disks keep the same contract; the simulated one also loses what it should.

#include "temporary_directory.hpp"

#include "support/print_result.hpp"

#include "store/disk.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace troupe;
using namespace troupe::test;

namespace {

void write(disk_file& f, std::uint64_t at, std::string_view text) {
  auto view = as_bytes(text);
  REQUIRE(f.write_at(at, {&view, 1}));
}

std::string read(const disk_file& f, std::uint64_t at, std::size_t n) {
  std::string out(n, '\0');
  REQUIRE(f.read_at(at, std::as_writable_bytes(std::span{out})));
  return out;
}

} // namespace

TEST_CASE("a disk keeps files and names") {
  temporary_directory directory;
  auto simulated = GENERATE(true, false);
  CAPTURE(simulated);
  auto owner = simulated ? std::unique_ptr<disk>{std::make_unique<sim_disk>(1)} : make_posix_disk(directory.path());
  auto& d = *owner;

  SECTION("a file is made, written in pieces, read, cut and removed") {
    CHECK(d.open("f", disk::open_mode::existing).error().code == ec::not_found);
    auto f = d.open("f", disk::open_mode::create).value();
    std::vector<bytes_view> many;
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
      static const std::string texts[] = {"", "a", "bc", "def"};
      many.push_back(as_bytes(texts[i % 4]));
      expected += texts[i % 4];
    }
    REQUIRE(f->write_at(5, many));
    CHECK(f->size().value() == expected.size() + 5);
    CHECK(read(*f, 5, expected.size()) == expected);
    CHECK(read(*f, 0, 5) == std::string(5, '\0'));
    REQUIRE(f->sync());
    std::string past(10, '\0');
    CHECK(f->read_at(expected.size(), std::as_writable_bytes(std::span{past})).error().code == ec::corrupt);
    REQUIRE(f->truncate(6));
    CHECK(f->size().value() == 6);
    REQUIRE(f->truncate(8));
    CHECK(read(*f, 6, 2) == std::string(2, '\0'));
    REQUIRE(d.remove("f"));
    CHECK(!d.exists("f").value());
    CHECK(d.remove("f"));
    CHECK(read(*f, 5, 1) == "a"); // the open file works on
  }
  SECTION("an empty list of buffers writes nothing") {
    auto f = d.open("f", disk::open_mode::create).value();
    std::vector<bytes_view> empty(200);
    CHECK(f->write_at(0, empty));
    CHECK(f->write_at(0, {}));
    CHECK(f->size().value() == 0);
  }
  SECTION("directories are made with their parents and listed in order") {
    REQUIRE(d.make_directory("a/b/c"));
    REQUIRE(d.make_directory("a/b"));
    CHECK(d.list("not there").error().code == ec::not_found);
    for (auto* name : {"a/z", "a/b/y", "a/x"}) REQUIRE(d.open(name, disk::open_mode::create));
    CHECK(d.list("a").value() == std::vector<std::string>{"b", "x", "z"});
    CHECK(d.list("a/b/c").value().empty());
    CHECK(d.list("").value() == std::vector<std::string>{"a"});
    CHECK(d.exists("a/b").value());
    CHECK(d.sync_directory("a/b"));
    CHECK(d.open("no/such/file", disk::open_mode::create).error().code == ec::not_found);
  }
  SECTION("rename replaces") {
    REQUIRE(d.make_directory("a"));
    write(*d.open("one", disk::open_mode::create).value(), 0, "1");
    write(*d.open("a/two", disk::open_mode::create).value(), 0, "2");
    REQUIRE(d.rename("one", "a/two"));
    CHECK(!d.exists("one").value());
    CHECK(read_file(d, "a/two", 10).value() == "1");
    auto missing = d.rename("one", "a/two");
    CHECK(missing.error().code == ec::not_found);
    CHECK(missing.error().message.find("one") != std::string::npos);
  }
  SECTION("a small file is replaced whole and read within a bound") {
    REQUIRE(replace_file(d, "small", as_bytes("first, longer")));
    REQUIRE(replace_file(d, "small", as_bytes("second")));
    CHECK(read_file(d, "small", 6).value() == "second");
    CHECK(read_file(d, "small", 5).error().code == ec::too_large);
    CHECK(read_file(d, "none", 5).error().code == ec::not_found);
    CHECK(d.list("").value() == std::vector<std::string>{"small"});
  }
  SECTION("there is space") { CHECK(d.space().value().free_bytes <= d.space().value().total_bytes); }
}

TEST_CASE("a real disk that is full says no_space and names the file") {
  auto full = make_posix_disk("/dev");
  auto f = full->open("full", disk::open_mode::existing);
  if (!f) return; // no such device here
  auto view = as_bytes("x");
  auto written = (*f)->write_at(0, {&view, 1});
  REQUIRE(!written);
  CHECK(written.error().code == ec::no_space);
  CHECK(written.error().message.find("/dev/full") != std::string::npos);
}

TEST_CASE("a crash keeps what was synced and loses some of the rest, in every way") {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    sim_disk d{seed};
    auto f = d.open("f", disk::open_mode::create).value();
    REQUIRE(d.sync_directory(""));
    write(*f, 0, "synced");
    REQUIRE(f->sync());
    write(*f, 6, "+one");
    write(*f, 10, "+two");
    d.crash();
    CHECK(f->size().error().code == ec::closed);
    CHECK(f->sync().error().code == ec::closed);
    auto content = read_file(d, "f", 100).value();
    CHECK(content.substr(0, 6) == "synced");
    outcomes.insert(content);
  }
  CHECK(outcomes.count("synced") == 1);
  CHECK(outcomes.count("synced+one") == 1);
  CHECK(outcomes.count("synced+one+two") == 1);
  CHECK(outcomes.count(std::string{"synced\0\0\0\0+two", 14}) == 1); // the later without the earlier
  CHECK(outcomes.count("synced+o") == 1);                            // torn
}

TEST_CASE("a name that was not synced may be lost, new or old") {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim_disk d{seed};
    write(*d.open("old", disk::open_mode::create).value(), 0, "x");
    REQUIRE(d.sync_directory(""));
    REQUIRE(d.make_directory("in"));
    REQUIRE(d.rename("old", "in/new"));
    if (seed % 3 == 1) REQUIRE(d.sync_directory("in"));
    if (seed % 3 == 2) REQUIRE(d.sync_directory(""));
    d.crash();
    std::string names;
    for (auto& n : d.list("").value()) names += n + " ";
    for (auto& n : d.list("in").value()) names += "in/" + n + " ";
    if (seed % 3 == 1) CHECK(d.exists("in/new").value());
    if (seed % 3 == 2) CHECK(!d.exists("old").value());
    outcomes.insert(names);
  }
  CHECK(outcomes == std::set<std::string>{"in ", "in old ", "in in/new ", "in old in/new "});
}

TEST_CASE("a failed sync loses writes for good, though reads show them until the crash") {
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim_disk d{seed};
    auto f = d.open("f", disk::open_mode::create).value();
    REQUIRE(d.sync_directory(""));
    write(*f, 0, "written");
    d.add_fault({.on = sim_fault::operation::sync, .path = "f", .times = 1});
    CHECK(f->sync().error().code == ec::io_error);
    CHECK(f->sync()); // Linux says so, too
    CHECK(read(*f, 0, 7) == "written");
    d.crash();
    lost += read_file(d, "f", 100).value() != "written";
  }
  CHECK(lost > 20);
}

TEST_CASE("faults strike where and when they were told to") {
  sim_disk d{1};
  auto f = d.open("dir-a", disk::open_mode::create).value();
  auto g = d.open("dir-b", disk::open_mode::create).value();
  d.add_fault({.on = sim_fault::operation::write, .path = "-a", .after = 1, .times = 2, .code = ec::no_space});
  auto view = as_bytes("x");
  std::vector<bytes_view> one{view};
  CHECK(f->write_at(0, one));
  CHECK(g->write_at(0, one));
  CHECK(f->write_at(0, one).error().code == ec::no_space);
  CHECK(g->write_at(0, one));
  CHECK(f->write_at(0, one).error().code == ec::no_space);
  CHECK(f->write_at(0, one));

  d.set_capacity(6);
  auto wide = as_bytes("0123456789");
  CHECK(f->write_at(0, {&wide, 1}).error().code == ec::no_space);
  CHECK(f->size().value() == 5);
  CHECK(d.space().value().free_bytes == 0);
  REQUIRE(d.remove("dir-b"));
  CHECK(d.space().value().free_bytes == 1);

  d.flip_bit("dir-a", 1, 0);
  CHECK(d.content("dir-a") == "00234");

  d.power_off_after(1);
  CHECK(f->sync());
  CHECK(f->sync().error().code == ec::closed);
  CHECK(d.powered_off());
  CHECK(d.exists("dir-a").error().code == ec::closed);
  d.crash();
  CHECK(d.exists("dir-a"));
}
