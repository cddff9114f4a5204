#include "volumes/ebs_growth.hpp"

#include <optional>
#include <utility>

namespace troupe {
namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;

std::string words_of(const wanted_growth& w) {
  return std::to_string(w.size_gib) + " GiB" + (w.iops == 0 ? "" : " and " + std::to_string(w.iops) + " IOPS");
}

// One order.
class growth {
public:
  growth(const aws_ebs_options& o, std::string path, wanted_growth w, std::function<bool()> mine)
      : options_(o), path_(std::move(path)), wanted_(w), mine_(std::move(mine)), ec2_(o.ec2) {}

  result<grown_volume> carry_out() {
    TROUPE_TRY(check_file_system());
    TROUPE_TRY(have_ordered());
    auto state = wait_for_size();
    if (!state) return std::move(state).error();
    TROUPE_TRY(grow_file_system());
    return grown_volume{.size_gib = wanted_.size_gib, .state = std::move(*state)};
  }

private:
  void tell(const std::string& what) const {
    if (options_.told) options_.told(options_.volume + ": " + what);
  }
  result<> still() const {
    if (mine_()) return {};
    return fail(ec::unavailable,
      "this node is not the primary of " + options_.volume + " any more, or stops, while it was being grown to " +
        words_of(wanted_) + ": order it again");
  }
  // False: it took too long.
  bool wait() {
    if (polls_ == options_.grow_polls_max) return false;
    ++polls_;
    options_.ec2.wait(options_.poll);
    return true;
  }

  // The device, while it is mounted at the path.
  result<std::string> mounted_device() {
    auto device = options_.mounts->find(options_.volume, options_.device);
    if (!device) return std::move(device).error();
    if (!*device) return fail(ec::unavailable, "there is no block device of " + options_.volume + " on this machine");
    auto state = options_.mounts->mounted(**device, path_);
    if (!state) return std::move(state).error();
    if (*state != block_mounts::state::this_device)
      return fail(ec::unavailable, **device + " of " + options_.volume + " is not mounted at " + path_);
    return std::move(**device);
  }

  // Before EC2 is asked: a volume does not shrink again.
  result<> check_file_system() {
    if (options_.filesystem.empty()) return {};
    TROUPE_TRY(options_.mounts->can_grow(options_.filesystem));
    auto device = mounted_device();
    if (!device) return std::move(device).error();
    return {};
  }

  // Whether EC2 was asked for the same before, and it changed something.
  bool is_wanted(const ebs_modification& m) const {
    if (m.gibibytes != wanted_.size_gib) return false;
    if (wanted_.iops != 0 && m.iops != wanted_.iops) return false;
    return m.original_gibibytes < m.gibibytes || (wanted_.iops != 0 && m.original_iops != m.iops);
  }

  result<> have_ordered() {
    auto now = ec2_.describe_volume(options_.volume);
    if (!now) return std::move(now).error();
    if (now->gibibytes == 0) return fail(ec::corrupt, "EC2's answer has no size of " + options_.volume);
    const auto has = options_.volume + " has " + std::to_string(now->gibibytes) + " GiB";
    if (wanted_.size_gib < now->gibibytes)
      return fail(ec::bad_argument, has + ": EBS volumes do not shrink to " + std::to_string(wanted_.size_gib));
    auto last = ec2_.describe_modification(options_.volume);
    if (!last) return std::move(last).error();
    if (*last && (*last)->state != "failed" && is_wanted(**last)) return {}; // by an earlier order
    if (wanted_.size_gib == now->gibibytes && (wanted_.iops == 0 || wanted_.iops == now->iops))
      return fail(ec::bad_argument,
        has + (wanted_.iops == 0 ? "" : " and " + std::to_string(now->iops) + " IOPS") +
          " already: ask for a larger size, or for other IOPS");
    TROUPE_TRY(still());
    tell("asking EC2 for " + words_of(wanted_));
    auto ordered = ec2_.modify_volume(options_.volume, wanted_.size_gib, wanted_.iops);
    if (ordered || ordered.error().code != ec::conflict) return ordered;
    auto under_way = ec2_.describe_modification(options_.volume); // perhaps this one, by a call whose answer was lost
    if (under_way && *under_way && (*under_way)->state != "failed" && is_wanted(**under_way)) return {};
    return ordered;
  }

  // What EC2 calls its state.
  result<std::string> wait_for_size() {
    std::string state = "not listed yet";
    do {
      TROUPE_TRY(still());
      auto last = ec2_.describe_modification(options_.volume);
      if (!last) return std::move(last).error();
      if (!*last || !is_wanted(**last)) continue; // what was asked for a moment ago may not be listed yet
      state = (*last)->state;
      if (state == "optimizing" || state == "completed") return state;
      if (state == "failed")
        return fail(ec::io_error,
          "EC2 could not change " + options_.volume + " to " + words_of(wanted_) + ": " + (*last)->message);
    } while (wait());
    return fail(ec::timeout,
      "EC2 was asked for " + words_of(wanted_) + " of " + options_.volume + ", and is at it (" + state +
        "): order it again, until it is done");
  }

  // The kernel hears of a new size by itself, a moment later.
  result<std::string> wait_for_device() {
    std::uint64_t bytes = 0;
    do {
      TROUPE_TRY(still());
      auto device = mounted_device();
      if (!device) return device;
      auto size = options_.mounts->size(*device);
      if (!size) return std::move(size).error();
      bytes = *size;
      if (bytes / gibibyte >= wanted_.size_gib) return device;
    } while (wait());
    return fail(ec::timeout,
      options_.volume + " has " + words_of(wanted_) + ", and its device still " + std::to_string(bytes) +
        " bytes: order it again, so that its file system is grown");
  }

  result<> grow_file_system() {
    if (options_.filesystem.empty()) return {};
    auto device = wait_for_device();
    if (!device) return std::move(device).error();
    TROUPE_TRY(still());
    tell("growing the file system of " + *device + " at " + path_);
    auto done = options_.mounts->grow(*device, path_, options_.filesystem);
    if (done) return done;
    return fail(done.error().code,
      options_.volume + " has " + words_of(wanted_) + ", and its file system was not grown: " + done.error().message +
        " (order it again)");
  }

  const aws_ebs_options& options_;
  const std::string path_;
  const wanted_growth wanted_;
  const std::function<bool()> mine_;
  ec2_client ec2_;
  unsigned polls_ = 0; // of all waits together
};

} // namespace

result<grown_volume> grow_ebs(const aws_ebs_options& options, const std::string& path, const wanted_growth& wanted,
  const std::function<bool()>& mine) {
  if (wanted.size_gib == 0) return fail(ec::bad_argument, "a volume is not grown to 0 GiB");
  return growth{options, path, wanted, mine}.carry_out();
}

} // namespace troupe
