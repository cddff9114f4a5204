// EBS volumes of one instance at a time, against an EC2 and an operating system that are made up: who has the volume attached
// and mounted, in which order, by force or not.
#include "codec/text.hpp"
#include "support/print_result.hpp"
#include "volumes/ebs_fixture.hpp"
#include "volumes/volume_snapshot.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

TEST_CASE("a blank EBS volume is attached, gets a file system, and is mounted; a used one keeps its own") {
  ebs_world w;
  auto v = w.attach();
  REQUIRE(w.ec2.calls.empty()); // that is for who has the lease
  REQUIRE(v->acquire(yes));
  const auto mnt = w.at.path() + "/mnt";
  REQUIRE(w.machine->done == words{"format /dev/nvme1n1 ext4", "mount /dev/nvme1n1 " + mnt});
  REQUIRE(std::filesystem::exists(mnt + "/volume-id"));
  REQUIRE(v->acquire(yes)); // an earlier one of this process, or of this machine: nothing is done twice
  REQUIRE(w.machine->done.size() == 2);
  REQUIRE(v->release());
  REQUIRE(w.machine->done.back() == "unmount " + mnt);
  REQUIRE(w.ec2.attached.empty());
  w.machine->done.clear();
  REQUIRE(v->acquire(yes));
  REQUIRE(w.machine->done == words{"mount /dev/nvme1n1 " + mnt});
}

TEST_CASE("a new primary asks the old instance to let the volume go, and is forced to only after a while") {
  ebs_world w;
  w.machine->filesystem = "ext4";
  w.ec2.attached["i-2"] = "attached";
  auto v = w.attach();
  SECTION("when it does") {
    REQUIRE(v->acquire(yes));
    REQUIRE(w.ec2.calls ==
      words{"DescribeVolumes", "DetachVolume i-2", "DescribeVolumes", "AttachVolume i-1", "DescribeVolumes"});
  }
  SECTION("when it does so by itself") {
    w.on_wait = [&] { w.ec2.attached.erase("i-2"); };
    w.ec2.stuck = {"i-2"};
    REQUIRE(v->acquire(yes));
    REQUIRE(std::ranges::find(w.ec2.calls, "DetachVolume i-2 force") == w.ec2.calls.end());
  }
  SECTION("when it does not") {
    w.ec2.stuck = {"i-2"};
    REQUIRE(v->acquire(yes));
    REQUIRE(w.ec2.calls ==
      words{"DescribeVolumes", "DetachVolume i-2", "DescribeVolumes", "DetachVolume i-2 force", "DescribeVolumes",
        "AttachVolume i-1", "DescribeVolumes"});
    REQUIRE(w.waits >= 5);
  }
  REQUIRE(w.ec2.attached == std::map<std::string, std::string>{{"i-1", "attached"}});
  REQUIRE(w.machine->on == "/dev/nvme1n1");
}

TEST_CASE("whoever has lost the lease meanwhile forces nobody, and mounts and formats nothing") {
  ebs_world w;
  w.ec2.attached["i-2"] = "attached";
  w.ec2.stuck = {"i-2"};
  auto v = w.attach();
  SECTION("while the other one still has it") {
    auto outcome = v->acquire([&] { return w.waits < 5; });
    REQUIRE(outcome.error().code == ec::unavailable);
    REQUIRE(w.ec2.attached.contains("i-2"));
  }
  SECTION("while the device is waited for") {
    w.ec2.attached.clear();
    w.machine->finds_until_there = 10;
    auto outcome = v->acquire([&] { return w.waits < 5; });
    REQUIRE(outcome.error().code == ec::unavailable);
    REQUIRE(v->release()); // so that the other one finds it free
    REQUIRE(w.ec2.attached.empty());
  }
  REQUIRE(std::ranges::find(w.ec2.calls, "DetachVolume i-2 force") == w.ec2.calls.end());
  REQUIRE(w.machine->done.empty());
}

TEST_CASE("attaching and its waits have an end, and errors say what to do") {
  ebs_world w;
  SECTION("an instance that never lets it go") {
    w.ec2.attached["i-2"] = "attached";
    w.ec2.failing = "DetachVolume";
    auto outcome = w.attach()->acquire(yes);
    REQUIRE(outcome.error().code == ec::timeout);
    REQUIRE(outcome.error().message.find("UnauthorizedOperation") != std::string::npos);
    REQUIRE(w.waits == 19);
  }
  SECTION("a device that never appears") {
    w.machine->finds_until_there = 1000;
    auto outcome = w.attach()->acquire(yes);
    REQUIRE(outcome.error().code == ec::timeout);
    REQUIRE(outcome.error().message.find("/dev/sdf") != std::string::npos);
  }
  SECTION("a process that may not mount") {
    w.machine->may_not = true;
    auto outcome = w.attach()->acquire(yes);
    REQUIRE(outcome.error().code == ec::access_denied);
    REQUIRE(outcome.error().message.find("CAP_SYS_ADMIN") != std::string::npos);
  }
  SECTION("a mount point that has something else") {
    auto v = w.attach();
    w.machine->on = "/dev/other";
    REQUIRE(v->acquire(yes).error().code == ec::conflict);
    REQUIRE(v->release());
    REQUIRE(w.machine->on == "/dev/other"); // it is not ours to unmount
    REQUIRE(w.ec2.attached.empty());
  }
  SECTION("a mount point with files in it") {
    std::filesystem::create_directories(w.at.path() + "/mnt/shard-1");
    auto got = make_aws_ebs(w.options)->attach({.id = "v", .provider = "aws-ebs", .path = w.at.path() + "/mnt"});
    REQUIRE(got.error().code == ec::conflict);
  }
  SECTION("a volume that is another one's") {
    auto v = w.attach();
    REQUIRE(v->acquire(yes));
    REQUIRE(v->release());
    auto other = make_aws_ebs(w.options);
    std::filesystem::remove(w.at.path() + "/mnt/volume-id"); // of an empty mount point
    auto got = other->attach({.id = "w", .provider = "aws-ebs", .path = w.at.path() + "/mnt"});
    REQUIRE(got);
    REQUIRE((*got)->acquire(yes)); // names it
    REQUIRE((*got)->release());
    REQUIRE(v->acquire(yes).error().code == ec::conflict);
  }
}

TEST_CASE("a mount that is left from before the volume was taken away is not mistaken for one of its device") {
  ebs_world w;
  w.machine->filesystem = "ext4";
  auto v = w.attach();
  w.machine->on = "/dev/nvme1n1"; // though nothing is attached
  REQUIRE(v->acquire(yes));
  const auto mnt = w.at.path() + "/mnt";
  REQUIRE(w.machine->done == words{"unmount anyway " + mnt, "mount /dev/nvme1n1 " + mnt});
}

TEST_CASE("a backup that never had the volume gives nothing back") {
  ebs_world w;
  w.ec2.attached["i-2"] = "attached";
  auto v = w.attach();
  w.machine->on = "/dev/other";
  REQUIRE(v->release());
  v.reset();
  REQUIRE(w.ec2.calls.empty());
  REQUIRE(w.machine->done.empty());
}

TEST_CASE("a volume whose files are open is unmounted anyway, after a while, and detached") {
  ebs_world w;
  auto v = w.attach();
  REQUIRE(v->acquire(yes));
  w.machine->busy = true;
  w.waits = 0;
  REQUIRE(v->release());
  REQUIRE(w.waits == 9);
  REQUIRE(w.machine->done.back() == "unmount anyway " + w.at.path() + "/mnt");
  REQUIRE(w.ec2.attached.empty());
  REQUIRE(v->release()); // nothing to do
}

TEST_CASE("snapshots of an EBS volume are EC2's, named by their tags") {
  ebs_world w;
  auto attached = w.attach();
  auto store = attached->snapshots();
  set_clock clock;
  auto v = volume_at(w.at.path(), clock);
  CHECK(store->make(*v, "monday", 1).error().code == ec::unavailable); // a backup
  v->hold(row_of("a", 1), lease_guard::for_ever);
  auto made = store->make(*v, "monday", 1);
  REQUIRE(made);
  CHECK(made->id() == "snap-1");
  CHECK(made->state() == "pending");
  CHECK(store->make(*v, "monday", 1).error().code == ec::conflict);
  CHECK(store->make(*v, "../x", 1).error().code == ec::bad_argument);
  REQUIRE(store->make(*v, "tuesday", 1));
  auto all = store->list(*v);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().name() == "monday");
  CHECK(all->front().state() == "completed");
  CHECK(all->front().made_ms() == *parse_iso8601("2026-01-01T00:00:00.000Z"));
  REQUIRE(store->remove(*v, "monday"));
  CHECK(store->remove(*v, "monday").error().code == ec::not_found);
  CHECK(w.ec2.snapshots.size() == 1);
  auto outcome = store->order_restore(*v, "tuesday");
  CHECK(outcome.error().code == ec::not_implemented);
  CHECK(outcome.error().message.find("ebs.volume") != std::string::npos);
}
