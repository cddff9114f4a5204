// A disk that pretends: each fault hits the operations and the volume that it names, and goes when it is cleared.

#include "store/fault_disk.hpp"
#include "store/sim_disk.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <future>

using namespace troupe;

namespace {

struct pretending {
  std::shared_ptr<disk_faults> faults = std::make_shared<disk_faults>();
  std::shared_ptr<sim_disk> below = std::make_shared<sim_disk>(1);
  std::unique_ptr<disk> files = make_fault_disk(below, faults, "storage");
  std::shared_ptr<disk_file> file = files->open("f", disk::open_mode::create).value();

  result<> write(std::string_view text) {
    bytes_view one[]{as_bytes(text)};
    return file->write_at(0, one);
  }
  result<std::string> read(std::size_t n) {
    std::string out(n, '\0');
    TROUPE_TRY(file->read_at(0, std::as_writable_bytes(std::span{out})));
    return out;
  }
};

} // namespace

TEST_CASE("without a fault the disk below is all there is") {
  pretending p;
  REQUIRE(p.write("content"));
  REQUIRE(p.file->sync());
  CHECK(p.read(7).value() == "content");
  CHECK(p.below->content("f") == "content");
  CHECK(p.faults->list().empty());
}

TEST_CASE("an I/O error is of the operations that it names, until it is cleared") {
  pretending p;
  REQUIRE(p.write("content"));
  REQUIRE(p.faults->set({.kind = disk_fault_kind::eio, .volume = {}, .writes = false, .syncs = false}));
  CHECK(p.read(7).error().code == ec::io_error);
  CHECK(p.write("changed"));
  CHECK(p.file->sync());
  REQUIRE(p.faults->set({.kind = disk_fault_kind::eio, .volume = {}, .reads = false}));
  CHECK(p.faults->list() == std::vector<std::string>{"disk eio on writes, syncs of every volume"});
  CHECK(p.read(7).value() == "changed");
  CHECK(p.write("refused").error().code == ec::io_error);
  CHECK(p.file->sync().error().code == ec::io_error);
  CHECK(p.files->rename("f", "g").error().code == ec::io_error);
  p.faults->clear();
  CHECK(p.file->sync());
  CHECK(p.below->content("f") == "changed");
}

TEST_CASE("a full disk refuses writes and lets reads pass") {
  pretending p;
  REQUIRE(p.write("content"));
  REQUIRE(p.faults->set({.kind = disk_fault_kind::enospc, .volume = "storage"}));
  CHECK(p.write("more").error().code == ec::no_space);
  CHECK(p.files->open("new", disk::open_mode::create).error().code == ec::no_space);
  CHECK(p.read(7).value() == "content");
}

TEST_CASE("a flipped bit is in what is read, not on the disk") {
  pretending p;
  REQUIRE(p.write("content"));
  REQUIRE(p.faults->set({.kind = disk_fault_kind::flip, .volume = {}}));
  auto read = p.read(7).value();
  CHECK(read != "content");
  CHECK(p.below->content("f") == "content");
  p.faults->clear();
  CHECK(p.read(7).value() == "content");
}

TEST_CASE("a fault of another volume does nothing here") {
  pretending p;
  REQUIRE(p.faults->set({.kind = disk_fault_kind::eio, .volume = "metadata"}));
  CHECK(p.write("content"));
  CHECK(p.read(7).value() == "content");
}

TEST_CASE("clearing a slow disk frees whoever waits for it") {
  pretending p;
  REQUIRE(p.faults->set({.kind = disk_fault_kind::slow, .volume = {}, .delay = disk_faults::delay_max}));
  auto waits = std::async(std::launch::async, [&] { return p.write("content"); });
  CHECK(waits.wait_for(std::chrono::milliseconds{20}) == std::future_status::timeout);
  p.faults->clear();
  CHECK(waits.get());
  REQUIRE(p.faults->set({.kind = disk_fault_kind::slow, .volume = {}, .delay = std::chrono::milliseconds{1}}));
  CHECK(p.read(7).value() == "content");
}

TEST_CASE("a fault that makes no sense is refused") {
  disk_faults faults;
  CHECK(faults.set({.kind = disk_fault_kind::slow, .volume = {}}).error().code == ec::bad_argument);
  CHECK(faults.set({.kind = disk_fault_kind::flip, .volume = {}, .reads = false}).error().code == ec::bad_argument);
  CHECK(faults.set({.kind = disk_fault_kind::enospc, .volume = {}, .writes = false, .syncs = false}).error().code ==
    ec::bad_argument);
  CHECK(faults.list().empty());
}
