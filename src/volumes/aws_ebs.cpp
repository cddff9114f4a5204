#include "volumes/aws_ebs.hpp"

#include "volumes/ebs_growth.hpp"
#include "volumes/ebs_snapshots.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sys/stat.h>

namespace troupe {
namespace {

constexpr unsigned unmount_polls_max = 10;

// A mount point is on another device than its parent.
bool is_mounted(const std::string& path) {
  struct stat here {
  }, above{};
  return ::stat(path.c_str(), &here) == 0 && ::stat((path + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
}

// Of a cluster file system: mounted by the operator, always there.
class shared_ebs final : public attached_volume {
public:
  shared_ebs(std::unique_ptr<attached_volume> d, aws_ebs_options o)
      : options_(std::move(o)),
        directory_(std::move(d)),
        snapshots_(make_ebs_snapshots(options_.ec2, options_.volume)) {}
  const std::string& root() const override { return directory_->root(); }
  bool shared() const override { return true; }
  std::shared_ptr<snapshot_store> snapshots() override { return snapshots_; }
  result<grown_volume> grow(const wanted_growth& wanted, const std::function<bool()>& mine) override {
    return grow_ebs(options_, root(), wanted, mine);
  }

private:
  const aws_ebs_options options_;
  std::unique_ptr<attached_volume> directory_;
  std::shared_ptr<snapshot_store> snapshots_;
};

// Of one instance at a time.
class own_ebs final : public attached_volume {
public:
  own_ebs(aws_ebs_options o, volume_config v)
      : options_(std::move(o)),
        config_(std::move(v)),
        ec2_(options_.ec2),
        snapshots_(make_ebs_snapshots(options_.ec2, options_.volume)) {}
  ~own_ebs() override { (void)release(); }

  const std::string& root() const override { return config_.path; }
  bool shared() const override { return true; }
  bool exclusive() const override { return true; }
  std::shared_ptr<snapshot_store> snapshots() override { return snapshots_; }
  result<grown_volume> grow(const wanted_growth& wanted, const std::function<bool()>& mine) override {
    return grow_ebs(options_, root(), wanted, mine); // touches nothing that acquire() and release() change
  }

  result<> acquire(const std::function<bool()>& mine) override {
    auto is_new = have_attached(mine);
    if (!is_new) return std::move(is_new).error();
    auto device = wait_for_device(mine);
    if (!device) return std::move(device).error();
    TROUPE_TRY(have_mounted(*device, *is_new, mine));
    auto directory = make_volume_provider("shared-dir"); // looks whose volume it is
    if (!directory) return std::move(directory).error();
    auto named = (*directory)->attach(config_);
    if (!named) return std::move(named).error();
    return still(mine);
  }

  // What was not mounted or attached by this process stays as it is.
  result<> release() override {
    if (mounted_) TROUPE_TRY(unmount());
    mounted_ = false;
    if (!attached_) return {};
    tell("detaching it from this instance");
    auto detached = ec2_.detach_volume(options_.volume, options_.instance);
    if (detached) attached_ = false;
    return detached;
  }

private:
  result<> unmount() {
    result<> done;
    for (unsigned poll = 0; poll < unmount_polls_max; ++poll) {
      if (poll != 0) options_.ec2.wait(options_.poll);
      done = options_.mounts->unmount(config_.path, false);
      if (done || done.error().code != ec::unavailable) return done;
    }
    tell("files of it are still open: unmounting " + config_.path + " anyway");
    return options_.mounts->unmount(config_.path, true);
  }
  void tell(const std::string& what) const {
    if (options_.told) options_.told(options_.volume + ": " + what);
  }
  result<> still(const std::function<bool()>& mine) const {
    if (mine()) return {};
    return fail(ec::unavailable, "the lease was lost while " + options_.volume + " was being attached");
  }

  // Others are asked to let it go, then made to. Whether it was not here before.
  result<bool> have_attached(const std::function<bool()>& mine) {
    std::set<std::string> asked, forced;
    bool attaching = false;
    error last;
    for (unsigned poll = 0; poll < options_.polls_max; ++poll) {
      if (poll != 0) options_.ec2.wait(options_.poll);
      TROUPE_TRY(still(mine));
      auto volume = ec2_.describe_volume(options_.volume);
      if (!volume) return std::move(volume).error();
      const ebs_attachment* here = nullptr;
      unsigned others = 0;
      for (const auto& a : volume->attachments) {
        if (a.state == "detached") continue;
        if (a.instance == options_.instance) {
          here = &a;
          continue;
        }
        ++others;
        const bool force = poll >= options_.polls_until_force;
        if (!(force ? forced : asked).insert(a.instance).second) continue;
        TROUPE_TRY(still(mine)); // nobody else has won the lease
        tell((force ? "detaching it by force from " : "detaching it from ") + a.instance);
        auto detached = ec2_.detach_volume(options_.volume, a.instance, force);
        if (!detached) last = detached.error(); // it may be gone: the next look tells
      }
      if (others != 0) continue;
      if (here != nullptr && here->state == "attached") {
        attached_ = true;
        return attaching;
      }
      if (attaching || (here != nullptr && here->state != "detached")) continue; // attaching, detaching, busy
      TROUPE_TRY(still(mine));
      tell("attaching it as " + options_.device);
      TROUPE_TRY(ec2_.attach_volume(options_.volume, options_.instance, options_.device));
      attaching = attached_ = true;
    }
    return fail(ec::timeout,
      options_.volume + " was not attached to " + options_.instance + " alone in time" +
        (last.message.empty() ? "" : "; " + last.message));
  }

  result<std::string> wait_for_device(const std::function<bool()>& mine) {
    for (unsigned poll = 0; poll < options_.polls_max; ++poll) {
      if (poll != 0) options_.ec2.wait(options_.poll);
      TROUPE_TRY(still(mine));
      auto found = options_.mounts->find(options_.volume, options_.device);
      if (!found) return std::move(found).error();
      if (*found) return std::move(**found);
    }
    return fail(ec::timeout,
      options_.volume + " is attached, and no block device of it appeared: neither one with its serial number nor " +
        options_.device);
  }

  result<> have_mounted(const std::string& device, bool is_new, const std::function<bool()>& mine) {
    auto state = options_.mounts->mounted(device, config_.path);
    if (!state) return std::move(state).error();
    if (*state == block_mounts::state::this_device) {
      mounted_ = true;
      if (!is_new) return {}; // by an earlier process
      // Of before it was taken from this machine: that mount has no device any more.
      TROUPE_TRY(options_.mounts->unmount(config_.path, true));
    }
    if (*state == block_mounts::state::another)
      return fail(ec::conflict, "something else than " + device + " is mounted at " + config_.path);
    auto blank = options_.mounts->is_blank(device);
    if (!blank) return std::move(blank).error();
    TROUPE_TRY(still(mine));
    if (*blank) {
      tell(device + " is blank: making a file system on it, " + options_.filesystem);
      TROUPE_TRY(options_.mounts->format(device, options_.filesystem));
      TROUPE_TRY(still(mine));
    }
    tell("mounting " + device + " at " + config_.path);
    TROUPE_TRY(options_.mounts->mount(device, config_.path, options_.filesystem));
    mounted_ = true;
    return {};
  }

  const aws_ebs_options options_;
  const volume_config config_;
  ec2_client ec2_;
  std::shared_ptr<snapshot_store> snapshots_;
  bool attached_ = false; // or perhaps
  bool mounted_ = false;
};

class aws_ebs final : public volume_provider {
public:
  explicit aws_ebs(aws_ebs_options o) : options_(std::move(o)), ec2_(options_.ec2) {}

  result<std::unique_ptr<attached_volume>> attach(const volume_config& v) override {
    if (!options_.filesystem.empty()) return attach_own(v);
    TROUPE_TRY(attach_device());
    if (!is_mounted(v.path))
      return fail(ec::not_found,
        options_.volume + " is attached as " + options_.device + ", and nothing is mounted at " + v.path +
          ": mount a cluster file system there, or name the filesystem for one node at a time (ebs.filesystem)");
    auto shared = make_volume_provider("shared-dir");
    if (!shared) return std::move(shared).error();
    auto directory = (*shared)->attach(v);
    if (!directory) return directory;
    return std::make_unique<shared_ebs>(std::move(*directory), options_);
  }

private:
  // Nothing is attached yet: that is for who has the lease.
  result<std::unique_ptr<attached_volume>> attach_own(const volume_config& v) {
    std::error_code problem;
    std::filesystem::create_directories(v.path, problem);
    if (problem) return fail(ec::io_error, "make " + v.path + ": " + problem.message());
    auto state = options_.mounts->mounted({}, v.path);
    if (!state) return std::move(state).error();
    if (*state == block_mounts::state::nothing && !std::filesystem::is_empty(v.path, problem))
      return fail(ec::conflict, v.path + " is to be a mount point, and has files in it: move them away");
    return std::make_unique<own_ebs>(options_, v);
  }

  result<> attach_device() {
    bool asked = false;
    for (unsigned poll = 0; poll < options_.polls_max; ++poll) {
      if (poll != 0) options_.ec2.wait(options_.poll);
      auto volume = ec2_.describe_volume(options_.volume);
      if (!volume) return std::move(volume).error();
      if (!volume->multi_attach)
        return fail(ec::bad_argument,
          options_.volume + " (" + volume->type + ") was made without multi-attach: its backups could not read it");
      auto mine = std::ranges::find(volume->attachments, options_.instance, &ebs_attachment::instance);
      if (mine != volume->attachments.end() && mine->state == "attached") return {};
      if (!asked && (mine == volume->attachments.end() || mine->state == "detached")) {
        TROUPE_TRY(ec2_.attach_volume(options_.volume, options_.instance, options_.device));
        asked = true;
      }
    }
    return fail(ec::timeout, options_.volume + " was not attached to " + options_.instance + " in time");
  }

  aws_ebs_options options_;
  ec2_client ec2_;
};

} // namespace

std::unique_ptr<volume_provider> make_aws_ebs(aws_ebs_options o) { return std::make_unique<aws_ebs>(std::move(o)); }

} // namespace troupe
