// An EC2 and an operating system that are made up, for EBS volumes of one instance at a time.
#pragma once

#include "codec/uri.hpp"
#include "volumes/aws_ebs.hpp"
#include "volumes/volume_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

inline std::string refused(const std::string& code) {
  return "<Response><Errors><Error><Code>" + code + "</Code><Message>because</Message></Error></Errors></Response>";
}

// One volume, vol-1, of 100 GiB. Instances in `stuck` keep it until they are forced.
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
    if (action == "ModifyVolume") return modify(fields);
    if (action == "DescribeVolumesModifications") return describe_modification();
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
           "<size>" +
      std::to_string(gibibytes) + "</size><iops>" + std::to_string(iops) +
      "</iops><multiAttachEnabled>false</multiAttachEnabled><attachmentSet>" + items +
      "</attachmentSet></item></volumeSet></R>";
  }
  http_post_answer modify(std::map<std::string, std::string>& fields) {
    if (modification.state == "modifying" || modification.state == "optimizing")
      return {.status = 400, .body = refused("IncorrectModificationState")};
    modification = {.state = "modifying",
      .original_gibibytes = gibibytes,
      .gibibytes = static_cast<std::uint32_t>(std::stoul(fields["Size"])),
      .original_iops = iops,
      .iops = fields.contains("Iops") ? static_cast<std::uint32_t>(std::stoul(fields["Iops"])) : iops,
      .message = {}};
    if (losing_answers) return {.status = 500, .body = "oops"};
    return {.status = 200, .body = "<R/>"};
  }
  // As EC2, it is at it for a while, and has the new size from optimizing on.
  http_post_answer describe_modification() {
    if (modification.state.empty()) return {.status = 400, .body = refused("InvalidVolumeModification.NotFound")};
    if (modification.state == "modifying" && looks_until_modified-- <= 0) {
      modification.state = becoming;
      if (becoming != "failed") {
        gibibytes = modification.gibibytes;
        iops = modification.iops;
      }
    }
    const auto& m = modification;
    return {.status = 200,
      .body = "<R><volumeModificationSet><item><volumeId>vol-1</volumeId><modificationState>" + m.state +
        "</modificationState><statusMessage>because</statusMessage><originalSize>" +
        std::to_string(m.original_gibibytes) + "</originalSize><targetSize>" + std::to_string(m.gibibytes) +
        "</targetSize><originalIops>" + std::to_string(m.original_iops) + "</originalIops><targetIops>" +
        std::to_string(m.iops) + "</targetIops></item></volumeModificationSet></R>"};
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
  std::uint32_t gibibytes = 100, iops = 3000;
  ebs_modification modification;       // the last one
  int looks_until_modified = 2;        // how often it says modifying
  std::string becoming = "optimizing"; // then
  bool losing_answers = false;         // of ModifyVolume
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
  result<std::uint64_t> size(const std::string& device) override {
    REQUIRE(device == "/dev/nvme1n1");
    if (seen_gibibytes != ec2.gibibytes && looks_until_larger-- <= 0) seen_gibibytes = ec2.gibibytes;
    return std::uint64_t{seen_gibibytes} << 30;
  }
  result<> can_grow(const std::string& what) override {
    REQUIRE(what == filesystem);
    if (can_not_grow) return fail(ec::not_found, "there is no resize2fs");
    return {};
  }
  result<> grow(const std::string& device, const std::string& path, const std::string& what) override {
    REQUIRE(on == device); // online
    REQUIRE(what == filesystem);
    REQUIRE(seen_gibibytes == ec2.gibibytes); // not before the kernel knows
    if (growing_fails) return fail(ec::io_error, "resize2fs failed");
    done.push_back("grow " + device + " " + path);
    return {};
  }
  made_up_ec2& ec2;
  std::string filesystem; // on the device
  std::string on;         // what is mounted
  std::vector<std::string> done;
  int finds_until_there = 2;
  std::uint32_t seen_gibibytes = 100; // what the kernel says of the device
  int looks_until_larger = 1;         // until it has heard of a new size
  bool can_not_grow = false, growing_fails = false;
  bool may_not = false, busy = false;
};

struct counting_entropy final : entropy {
  void fill(bytes_span out) override { std::ranges::fill(out, std::byte{7}); }
};

struct ebs_world {
  ebs_world() {
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
    options.grow_polls_max = 10;
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

inline bool yes() { return true; }
using words = std::vector<std::string>;

} // namespace troupe::test
