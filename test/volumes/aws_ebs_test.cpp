// EBS volumes of one instance at a time, against an EC2 and an operating system that are made up: who has the volume attached
// and mounted, in which order, by force or not.
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "support/print_result.hpp"
#include "volumes/aws_ebs.hpp"
#include "volumes/volume_fixture.hpp"
#include "volumes/volume_snapshot.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

std::string refused(const std::string& code) {
  return "<Response><Errors><Error><Code>" + code + "</Code><Message>because</Message></Error></Errors></Response>";
}

// One volume, vol-1. Instances in `stuck` keep it until they are forced.
struct made_up_ec2 {
  http_post_answer answer(const http_post_call& c) {
    std::map<std::string, std::string> fields;
    uri u;
    REQUIRE(u.parse("/?" + c.body));
    for (const auto& [k, v] : u.query) fields[k] = v;
    const auto action = fields["Action"];
    std::string what = action;
    if (fields.contains("InstanceId")) what += " " + fields["InstanceId"];
    if (fields["Force"] == "true") what += " force";
    if (calls.empty() || calls.back() != what) calls.push_back(what);
    if (failing == action) return {.status = 400, .body = refused("UnauthorizedOperation")};
    if (action == "DescribeVolumes") return {.status = 200, .body = describe()};
    if (action == "AttachVolume") {
      REQUIRE(attached.empty()); // it has no multi-attach
      attached[fields["InstanceId"]] = "attached";
    }
    if (action == "DetachVolume") {
      if (!attached.contains(fields["InstanceId"]))
        return {.status = 400, .body = refused("InvalidAttachment.NotFound")};
      if (std::ranges::find(stuck, fields["InstanceId"]) == stuck.end() || fields["Force"] == "true")
        attached.erase(fields["InstanceId"]);
      else
        attached[fields["InstanceId"]] = "busy";
    }
    if (action == "CreateSnapshot") {
      snapshots["snap-" + std::to_string(snapshots.size() + 1)] = fields;
      return {.status = 200, .body = "<R><snapshotId>snap-" + std::to_string(snapshots.size()) + "</snapshotId></R>"};
    }
    if (action == "DescribeSnapshots") {
      REQUIRE(fields["Filter.1.Value.1"] == "vol-1");
      return {.status = 200, .body = describe_snapshots()};
    }
    if (action == "DeleteSnapshot") snapshots.erase(fields["SnapshotId"]);
    return {.status = 200, .body = "<R/>"};
  }
  std::string describe() const {
    std::string items;
    for (const auto& [instance, state] : attached)
      items +=
        "<item><instanceId>" + instance + "</instanceId><device>/dev/sdf</device><status>" + state + "</status></item>";
    return "<R><volumeSet><item><volumeId>vol-1</volumeId><volumeType>io2</volumeType><status>in-use</status>"
           "<multiAttachEnabled>false</multiAttachEnabled><attachmentSet>" +
      items + "</attachmentSet></item></volumeSet></R>";
  }
  std::string describe_snapshots() const {
    std::string items;
    for (const auto& [id, f] : snapshots) {
      items += "<item><snapshotId>" + id + "</snapshotId><status>completed</status><startTime>2026-01-0" +
        id.substr(5) + "T00:00:00.000Z</startTime><tagSet>";
      for (int n = 1; n <= 3; ++n) {
        const auto tag = "TagSpecification.1.Tag." + std::to_string(n);
        items += "<item><key>" + f.at(tag + ".Key") + "</key><value>" + f.at(tag + ".Value") + "</value></item>";
      }
      items += "</tagSet></item>";
    }
    return "<R><snapshotSet>" + items + "</snapshotSet></R>";
  }

  std::map<std::string, std::string> attached; // instance -> state
  std::vector<std::string> stuck;
  std::map<std::string, std::map<std::string, std::string>> snapshots;
  std::string failing;
  std::vector<std::string> calls; // without repetitions one after the other
};

// The device is there once the volume is attached; what is mounted are the files of a directory that appear at the path.
struct made_up_machine final : block_mounts {
  explicit made_up_machine(made_up_ec2& e) : ec2(e) {}
  result<std::optional<std::string>> find(const std::string& volume, const std::string&) override {
    REQUIRE(volume == "vol-1");
    if (!ec2.attached.contains("i-1") || finds_until_there-- > 0) return std::optional<std::string>{};
    return std::optional<std::string>{"/dev/nvme1n1"};
  }
  result<bool> is_blank(const std::string&) override { return filesystem.empty(); }
  result<> format(const std::string& device, const std::string& what) override {
    REQUIRE(filesystem.empty());
    done.push_back("format " + device + " " + what);
    filesystem = what;
    return {};
  }
  result<state> mounted(const std::string& device, const std::string&) override {
    if (on.empty()) return state::nothing;
    return device == on ? state::this_device : state::another;
  }
  result<> mount(const std::string& device, const std::string& path, const std::string& what) override {
    if (may_not) return fail(ec::access_denied, "give it CAP_SYS_ADMIN");
    REQUIRE(what == filesystem);
    REQUIRE(ec2.attached.size() == 1); // alone
    done.push_back("mount " + device + " " + path);
    on = device;
    return {};
  }
  result<> unmount(const std::string& path, bool anyway) override {
    REQUIRE(ec2.attached.contains("i-1")); // before it is detached
    if (busy && !anyway) return fail(ec::unavailable, "files there are open");
    done.push_back(std::string{anyway ? "unmount anyway " : "unmount "} + path);
    on.clear();
    return {};
  }
  made_up_ec2& ec2;
  std::string filesystem; // on the device
  std::string on;         // what is mounted
  std::vector<std::string> done;
  int finds_until_there = 2;
  bool may_not = false, busy = false;
};

struct counting_entropy final : entropy {
  void fill(bytes_span out) override { std::ranges::fill(out, std::byte{7}); }
};

struct world {
  world() {
    options.ec2.endpoint = "http://ec2";
    options.ec2.region = "eu-central-1";
    options.ec2.access_key = "AKID";
    options.ec2.secret_key = "secret";
    options.ec2.exchange = [this](const http_post_call& c) { return result<http_post_answer>{ec2.answer(c)}; };
    options.ec2.wait = [this](std::chrono::milliseconds) {
      ++waits;
      if (on_wait) on_wait();
    };
    options.ec2.clock = &wall;
    options.ec2.random = &random;
    options.volume = "vol-1";
    options.instance = "i-1";
    options.device = "/dev/sdf";
    options.filesystem = "ext4";
    options.polls_max = 20;
    options.polls_until_force = 5;
    options.mounts = machine;
  }
  std::unique_ptr<attached_volume> attach() {
    auto got = make_aws_ebs(options)->attach({.id = "v", .provider = "aws-ebs", .path = at.path() + "/mnt"});
    REQUIRE(got);
    REQUIRE((*got)->exclusive());
    return std::move(*got);
  }
  temporary_directory at;
  set_wall wall;
  counting_entropy random;
  made_up_ec2 ec2;
  std::shared_ptr<made_up_machine> machine = std::make_shared<made_up_machine>(ec2);
  aws_ebs_options options;
  int waits = 0;
  std::function<void()> on_wait;
};

bool yes() { return true; }
using words = std::vector<std::string>;

} // namespace

TEST_CASE("a blank EBS volume is attached, gets a file system, and is mounted; a used one keeps its own") {
  world w;
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
  world w;
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
  world w;
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
  world w;
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
  world w;
  w.machine->filesystem = "ext4";
  auto v = w.attach();
  w.machine->on = "/dev/nvme1n1"; // though nothing is attached
  REQUIRE(v->acquire(yes));
  const auto mnt = w.at.path() + "/mnt";
  REQUIRE(w.machine->done == words{"unmount anyway " + mnt, "mount /dev/nvme1n1 " + mnt});
}

TEST_CASE("a backup that never had the volume gives nothing back") {
  world w;
  w.ec2.attached["i-2"] = "attached";
  auto v = w.attach();
  w.machine->on = "/dev/other";
  REQUIRE(v->release());
  v.reset();
  REQUIRE(w.ec2.calls.empty());
  REQUIRE(w.machine->done.empty());
}

TEST_CASE("a volume whose files are open is unmounted anyway, after a while, and detached") {
  world w;
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
  world w;
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
