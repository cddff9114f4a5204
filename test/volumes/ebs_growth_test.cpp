// EBS volumes that grow, against an EC2 and an operating system that are made up: in which order, when nothing is done, and what a
// second order does after one that ended in the middle.
#include "volumes/ebs_growth.hpp"

#include "support/print_result.hpp"
#include "volumes/ebs_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::test;

namespace {

// Mounted, and what it took to have it so forgotten.
struct grown_world : ebs_world {
  grown_world() {
    machine->filesystem = "ext4";
    v = attach();
    REQUIRE(v->acquire(yes));
    forget();
  }
  void forget() {
    ec2.calls.clear();
    machine->done.clear();
    waits = 0;
  }
  bool asked(const std::string& call) const { return std::ranges::find(ec2.calls, call) != ec2.calls.end(); }
  words grown() const { return {"grow /dev/nvme1n1 " + at.path() + "/mnt"}; }
  std::unique_ptr<attached_volume> v;
};

bool says(const error& e, const std::string& text) { return e.message.find(text) != std::string::npos; }

} // namespace

TEST_CASE("an EBS volume that grows is modified, waited for, and then its file system is grown while it is mounted") {
  grown_world w;
  auto grown = w.v->grow({.size_gib = 200, .iops = 4000}, yes);
  REQUIRE(grown);
  CHECK(grown->size_gib == 200);
  CHECK(grown->state == "optimizing");
  CHECK(w.ec2.iops == 4000);
  CHECK(w.ec2.calls ==
    words{"DescribeVolumes", "DescribeVolumesModifications", "ModifyVolume", "DescribeVolumesModifications"});
  CHECK(w.machine->done == w.grown());
  CHECK(w.waits == 3); // twice for EC2, once for the kernel
}

TEST_CASE("a volume that would not grow is refused, and nothing is asked for") {
  grown_world w;
  const std::vector<wanted_growth> none{{.size_gib = 100}, {.size_gib = 100, .iops = 3000}, {.size_gib = 99},
    {.size_gib = 99, .iops = 4000}, {.size_gib = 0, .iops = 4000}};
  for (const auto& wanted : none) {
    auto outcome = w.v->grow(wanted, yes);
    CHECK(outcome.error().code == ec::bad_argument);
    CHECK(says(outcome.error(), "GiB"));
  }
  CHECK_FALSE(w.asked("ModifyVolume"));
  CHECK(w.machine->done.empty());
}

TEST_CASE("IOPS change without the size") {
  grown_world w;
  auto grown = w.v->grow({.size_gib = 100, .iops = 4000}, yes);
  REQUIRE(grown);
  CHECK(grown->size_gib == 100);
  CHECK(w.ec2.iops == 4000);
  CHECK(w.v->grow({.size_gib = 100}, yes).error().code == ec::bad_argument); // that was no growth
}

TEST_CASE("a file system that could not be grown afterwards is a reason not to modify the volume") {
  grown_world w;
  SECTION("for want of a program") {
    w.machine->can_not_grow = true;
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::not_found);
    CHECK(says(outcome.error(), "resize2fs"));
  }
  SECTION("because it is not mounted") {
    REQUIRE(w.v->release());
    CHECK(w.v->grow({.size_gib = 200}, yes).error().code == ec::unavailable);
  }
  SECTION("because something else is mounted there") {
    w.machine->on = "/dev/other";
    CHECK(w.v->grow({.size_gib = 200}, yes).error().code == ec::unavailable);
    w.machine->on = "/dev/nvme1n1";
  }
  SECTION("because the lease was lost") {
    CHECK(w.v->grow({.size_gib = 200}, [] { return false; }).error().code == ec::unavailable);
  }
  CHECK_FALSE(w.asked("ModifyVolume"));
  CHECK(w.ec2.gibibytes == 100);
}

TEST_CASE("a growth that ended in the middle goes on where it was, and EC2 is asked once") {
  grown_world w;
  SECTION("while EC2 was at it") {
    auto outcome = w.v->grow({.size_gib = 200}, [&] { return w.waits == 0; });
    CHECK(outcome.error().code == ec::unavailable);
    CHECK(w.ec2.modification.state == "modifying");
  }
  SECTION("before the file system was grown") {
    w.machine->growing_fails = true;
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::io_error);
    CHECK(says(outcome.error(), "order it again"));
    w.machine->growing_fails = false;
  }
  SECTION("when all was done but the answer") {
    REQUIRE(w.v->grow({.size_gib = 200}, yes));
    w.ec2.modification.state = "completed";
  }
  CHECK(w.asked("ModifyVolume"));
  w.v = w.attach(); // another process takes the volume
  REQUIRE(w.v->acquire(yes));
  w.forget();
  auto grown = w.v->grow({.size_gib = 200}, yes);
  REQUIRE(grown);
  CHECK(grown->size_gib == 200);
  CHECK_FALSE(w.asked("ModifyVolume"));
  CHECK(w.machine->done == w.grown());
}

TEST_CASE("a ModifyVolume whose answer was lost is not taken for somebody else's") {
  grown_world w;
  w.ec2.losing_answers = true;
  REQUIRE(w.v->grow({.size_gib = 200}, yes));
  CHECK(w.machine->done == w.grown());
}

TEST_CASE("another change that EC2 is at, or that failed, is told from this one") {
  grown_world w;
  w.ec2.modification = {.state = "modifying",
    .original_gibibytes = 100,
    .gibibytes = 150,
    .original_iops = 3000,
    .iops = 3000,
    .message = {}};
  SECTION("one that it is at") {
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::conflict);
    CHECK(says(outcome.error(), "IncorrectModificationState"));
    CHECK(w.machine->done.empty());
  }
  SECTION("one to the same size that failed") {
    w.ec2.modification.gibibytes = 200;
    w.ec2.modification.state = "failed";
    REQUIRE(w.v->grow({.size_gib = 200}, yes));
    CHECK(w.asked("ModifyVolume"));
  }
}

TEST_CASE("growing and its waits have an end, and errors say what to do") {
  grown_world w;
  SECTION("an EC2 that does not get there") {
    w.ec2.looks_until_modified = 1000;
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::timeout);
    CHECK(says(outcome.error(), "modifying"));
    CHECK(w.waits == 10);
  }
  SECTION("an EC2 that fails") {
    w.ec2.becoming = "failed";
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::io_error);
    CHECK(says(outcome.error(), "because"));
  }
  SECTION("a kernel that does not hear of it") {
    w.machine->looks_until_larger = 1000;
    auto outcome = w.v->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::timeout);
    CHECK(says(outcome.error(), "order it again"));
    CHECK(w.waits == 10); // of both waits together
  }
  SECTION("a key that may not") {
    w.ec2.failing = "ModifyVolume";
    CHECK(w.v->grow({.size_gib = 200}, yes).error().code == ec::access_denied);
  }
  CHECK(w.machine->done.empty());
}

TEST_CASE("the file system of a volume that several nodes have mounted is left to the operator") {
  ebs_world w;
  w.options.filesystem.clear();
  w.options.mounts.reset();
  auto grown = grow_ebs(w.options, "/mnt", {.size_gib = 200}, yes);
  REQUIRE(grown);
  CHECK(grown->state == "optimizing");
  CHECK(w.ec2.gibibytes == 200);
}

TEST_CASE("a volume that is a directory does not grow, and says what does") {
  temporary_directory at;
  for (const auto* provider : {"local-dir", "shared-dir"}) {
    auto v = (*make_volume_provider(provider))->attach({.id = "v", .provider = provider, .path = at.path()});
    REQUIRE(v);
    auto outcome = (*v)->grow({.size_gib = 200}, yes);
    CHECK(outcome.error().code == ec::not_implemented);
    CHECK(says(outcome.error(), at.path()));
  }
}
