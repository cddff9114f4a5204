#include "volumes/volume.hpp"

#include "store/log_seal.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr monotonic_time follower_age_max = 20ms; // a backup looks at the log again when its view is older

std::optional<std::uint64_t> shard_number(std::string_view name) {
  constexpr std::string_view prefix = "shard-";
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  std::uint64_t id = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (problem != std::errc{} || end != name.data() + name.size() || id == 0) return {};
  return id;
}

} // namespace

volume::volume(shard_volume_options o)
    : options_(std::move(o)), disk_(make_posix_disk(options_.root)), lease_(*options_.clock) {}

result<std::vector<std::uint64_t>> volume::shards() const {
  auto names = disk_->list("");
  if (!names) return std::move(names).error();
  std::vector<std::uint64_t> out;
  for (const auto& name : *names)
    if (auto id = shard_number(name)) out.push_back(*id);
  std::ranges::sort(out);
  return out;
}

result<> volume::seal(std::uint64_t token) {
  auto all = shards();
  if (!all) return std::move(all).error();
  for (auto id : *all) {
    auto directory = shard_directory(id);
    auto newest = newest_log(*disk_, directory);
    if (!newest) return std::move(newest).error();
    if (*newest == 0) continue; // a crash came between the shard's directory and its log
    if (*newest > token)
      return fail(ec::conflict,
        options_.root + "/" + directory + " has a log of token " + std::to_string(*newest) + ", later than " +
          std::to_string(token) + ": is the volume registered in another cluster as well?");
    auto name = log_directory(directory, token);
    if (*newest != token) {
      // From here on an earlier holder finds nothing by name.
      TROUPE_TRY(disk_->rename(log_directory(directory, *newest), name));
      TROUPE_TRY(disk_->sync_directory(directory));
    }
    if (options_.shared) TROUPE_TRY(seal_log(*disk_, name));
  }
  return {};
}

void volume::hold(const pb::volume_row& row, monotonic_time until) {
  std::lock_guard lock{mutex_};
  if (row.token() != token_) {
    open_.clear(); // whoever still uses one of them has a lower token, and is refused
    token_ = row.token();
  }
  row_ = seen_ = row;
  lease_.hold(row.token(), until);
}

void volume::step_down() {
  lease_.lose();
  std::lock_guard lock{mutex_};
  open_.clear();
}

void volume::saw(const pb::volume_row& row) {
  std::lock_guard lock{mutex_};
  seen_ = row;
}

pb::volume_row volume::seen() const {
  std::lock_guard lock{mutex_};
  return seen_;
}

std::optional<pb::volume_row> volume::held() const {
  std::lock_guard lock{mutex_};
  if (!lease_.holds(token_)) return {};
  return row_;
}

// A shard that somebody uses is never closed: two of the same must not write.
std::shared_ptr<volume::slot> volume::slot_of(std::uint64_t shard) {
  auto& mine = open_[shard];
  mine.when = ++uses_;
  if (!mine.shard) mine.shard = std::make_shared<slot>();
  while (open_.size() > options_.open_shards_max) {
    auto oldest = open_.end();
    for (auto i = open_.begin(); i != open_.end(); ++i)
      if (i->first != shard && i->second.shard.use_count() == 1 && i->second.shard->idle() &&
        (oldest == open_.end() || i->second.when < oldest->second.when))
        oldest = i;
    if (oldest == open_.end()) break;
    open_.erase(oldest);
  }
  return mine.shard;
}

result<std::shared_ptr<kv_shard>> volume::open_writer(slot& s, std::uint64_t shard, std::uint64_t token, bool make) {
  std::lock_guard opening{s.opening};
  if (s.writer && s.writer->broken()) {
    if (s.writer.use_count() > 1) return fail(ec::unavailable, "the shard is being opened again: try again");
    s.writer.reset();
  }
  if (s.writer) return s.writer;
  kv_shard_options o;
  o.directory = log_directory(shard_directory(shard), token);
  if (!make) {
    auto there = disk_->exists(o.directory);
    if (!there) return std::move(there).error();
    if (!*there) // an empty shard in its place would hide the loss
      return fail(ec::corrupt, options_.root + "/" + o.directory + " is not there: the shard's data is missing");
  }
  o.token = token;
  o.lease = &lease_;
  o.limits = options_.limits;
  o.random = options_.random;
  auto opened = kv_shard::open(*disk_, std::move(o));
  if (!opened) return std::move(opened).error();
  s.writer = std::move(*opened);
  return s.writer;
}

result<std::shared_ptr<kv_shard>> volume::writable(std::uint64_t shard) { return writable(shard, false); }

result<std::shared_ptr<kv_shard>> volume::writable(std::uint64_t shard, bool make) {
  std::shared_ptr<slot> s;
  std::uint64_t token = 0;
  {
    std::lock_guard lock{mutex_};
    token = token_;
    if (!lease_.holds(token)) return fail(ec::unavailable, "this node is not the primary of volume " + options_.id);
    s = slot_of(shard);
  }
  return open_writer(*s, shard, token, make);
}

result<volume::reading> volume::readable(std::uint64_t shard) {
  if (lease_.token() != 0) {
    auto primary = writable(shard);
    if (primary) return reading{.view = std::move(*primary), .age = 0ns, .primary = true};
    if (primary.error().code != ec::unavailable) return std::move(primary).error();
  }
  std::shared_ptr<kv_follower> follower;
  {
    std::lock_guard lock{mutex_};
    auto s = slot_of(shard);
    if (!s->reader) s->reader = std::make_shared<kv_follower>(*disk_, shard_directory(shard), *options_.clock);
    follower = s->reader;
  }
  auto age = follower->refresh(follower_age_max);
  if (!age) return std::move(age).error();
  return reading{.view = std::move(follower), .age = *age, .primary = false};
}

result<> volume::make_shard(std::uint64_t shard) {
  TROUPE_TRY(disk_->make_directory(shard_directory(shard)));
  auto opened = writable(shard, true); // makes its log
  if (!opened) return std::move(opened).error();
  return {};
}

result<> volume::remove_shard(std::uint64_t shard) {
  {
    std::lock_guard lock{mutex_};
    if (!lease_.holds(token_)) return fail(ec::unavailable, "this node is not the primary of volume " + options_.id);
    auto found = open_.find(shard);
    if (found != open_.end()) {
      if (found->second.shard.use_count() > 1 || !found->second.shard->idle())
        return fail(ec::unavailable, "the shard is in use: try again");
      open_.erase(found);
    }
  }
  std::error_code problem;
  std::filesystem::remove_all(options_.root + "/" + shard_directory(shard), problem);
  if (problem)
    return fail(ec::io_error, "remove " + options_.root + "/" + shard_directory(shard) + ": " + problem.message());
  return disk_->sync_directory("");
}

std::size_t volume::open_shards() const {
  std::lock_guard lock{mutex_};
  return open_.size();
}

} // namespace troupe
