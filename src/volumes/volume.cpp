#include "volumes/volume.hpp"

#include "store/log_seal.hpp"
#include "volumes/volume_provider.hpp"
#include "volumes/volume_snapshot.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

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
    : options_(std::move(o)), disk_(make_posix_disk(options_.root)), lease_(*options_.clock), claim_(*options_.clock) {}

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
  if (options_.acquire) TROUPE_TRY(options_.acquire([this, token] { return claim_.holds(token); }));
  TROUPE_TRY(finish_restore(*disk_, options_.root));
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
    ++counts_.taken;
  }
  holding_ = true;
  row_ = seen_ = row;
  lease_.hold(row.token(), until);
}

void volume::step_down() {
  claim_.lose();
  lease_.lose();
  std::lock_guard lock{mutex_};
  if (std::exchange(holding_, false)) ++counts_.ended;
  open_.clear();
}

result<> volume::release() { return options_.release ? options_.release() : result<>{}; }

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
  if (!make) {
    std::lock_guard lock{mutex_};
    ++counts_.replays;
    counts_.replayed_bytes += s.writer->facts().log_bytes;
  }
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

result<bool> volume::while_closed(std::uint64_t shard, const std::function<result<>()>& job) {
  std::shared_ptr<slot> s;
  {
    std::lock_guard lock{mutex_}; // not slot_of(): nobody else's is closed for it
    auto& mine = open_[shard];
    if (!mine.shard) mine.shard = std::make_shared<slot>();
    s = mine.shard;
  }
  bool closed = false;
  result<> done;
  {
    std::lock_guard opening{s->opening};
    closed = !s->writer;
    if (closed) done = job();
    std::lock_guard lock{mutex_};
    auto found = open_.find(shard);
    const bool unused = found != open_.end() && found->second.shard == s && s.use_count() == 2;
    if (unused && !s->writer && !s->reader) open_.erase(found);
  }
  if (!done) return std::move(done).error();
  return closed;
}

result<volume::reading> volume::readable(std::uint64_t shard) {
  if (lease_.token() != 0) {
    auto primary = writable(shard);
    if (primary) return reading{.view = std::move(*primary), .age = 0ns, .primary = true};
    if (primary.error().code != ec::unavailable) return std::move(primary).error();
  }
  if (exclusive())
    return fail(ec::unavailable, "volume " + options_.id + " is attached to its primary alone, which is another node");
  std::shared_ptr<kv_follower> follower;
  std::shared_ptr<slot> s;
  {
    std::lock_guard lock{mutex_};
    s = slot_of(shard);
    if (!s->reader) {
      s->reader = std::make_shared<kv_follower>(*disk_, shard_directory(shard), *options_.clock);
      s->read = options_.clock->now();
    }
    follower = s->reader;
  }
  auto age = follower->refresh(follower_age_max);
  if (!age) return std::move(age).error();
  {
    std::lock_guard lock{mutex_};
    s->read = options_.clock->now() - *age;
  }
  return reading{.view = std::move(follower), .age = *age, .primary = false};
}

// When the volume itself is away, nothing was deleted.
bool volume::was_deleted(std::uint64_t shard) const {
  auto mounted = disk_->exists(volume_name_file);
  auto there = disk_->exists(shard_directory(shard));
  return mounted && *mounted && there && !*there;
}

void volume::follow() {
  struct followed {
    std::uint64_t id;
    std::shared_ptr<slot> shard;
    std::shared_ptr<kv_follower> reader;
  };
  std::vector<followed> all;
  const bool backup = lease_.token() == 0 && !exclusive();
  if (backup) {
    std::lock_guard lock{mutex_};
    for (const auto& [id, u] : open_)
      if (u.shard->reader) all.push_back({id, u.shard, u.shard->reader});
  }
  std::optional<monotonic_time> oldest;
  if (backup) oldest = monotonic_time::max();
  for (auto& f : all) {
    auto age = f.reader->refresh(follower_age_max);
    const auto now = options_.clock->now();
    const bool gone = !age && age.error().code == ec::not_found && was_deleted(f.id);
    std::lock_guard lock{mutex_};
    if (gone) {
      f.shard->reader.reset();
      continue;
    }
    if (age) f.shard->read = now - *age;
    *oldest = std::min(*oldest, f.shard->read);
  }
  std::lock_guard lock{mutex_};
  followed_ = oldest;
}

std::optional<monotonic_time> volume::lag() const {
  std::lock_guard lock{mutex_};
  if (!followed_) return {};
  return std::max(monotonic_time{0}, options_.clock->now() - std::min(*followed_, options_.clock->now()));
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

std::vector<std::uint64_t> volume::open_ids() const {
  std::vector<std::uint64_t> out;
  std::lock_guard lock{mutex_};
  for (const auto& o : open_) out.push_back(o.first);
  return out;
}

std::shared_ptr<kv_shard> volume::writer_of(std::uint64_t shard) const {
  std::lock_guard lock{mutex_};
  auto found = open_.find(shard);
  if (found == open_.end()) return {};
  auto& s = *found->second.shard;
  std::unique_lock opening{s.opening, std::try_to_lock};
  return opening ? s.writer : nullptr;
}

// One shard is in use at a time: those that nobody uses can be closed or removed.
result<kv_compacted> volume::compact(const kv_compaction& how) {
  auto ids = open_ids();
  {
    std::lock_guard lock{mutex_};
    std::rotate(ids.begin(), std::lower_bound(ids.begin(), ids.end(), compacting_), ids.end());
  }
  result<kv_compacted> outcome = kv_compacted{};
  for (auto id : ids) {
    auto shard = writer_of(id);
    if (!shard || shard->broken()) continue; // who writes next opens it again
    auto step = shard->compact(how);
    if (!step) {
      if (outcome) outcome = fail(step.error().code, "shard " + std::to_string(id) + ": " + step.error().message);
      continue;
    }
    if (!step->more && step->moved_bytes == 0) continue;
    std::lock_guard lock{mutex_};
    compacting_ = id;
    written_ahead_ += step->written_bytes;
    if (step->segments != 0) {
      ++compacting_;
      counts_.compacted_segments += step->segments;
      counts_.freed_bytes += step->removed_bytes - std::min(step->removed_bytes, written_ahead_);
      written_ahead_ = 0;
    }
    return step;
  }
  return outcome;
}

volume::contents volume::content() const {
  contents out;
  for (auto id : open_ids()) {
    auto shard = writer_of(id);
    if (!shard) continue;
    const auto f = shard->facts();
    out.live_bytes += f.live_bytes;
    out.dead_bytes += f.log_bytes - std::min(f.log_bytes, f.live_bytes);
  }
  return out;
}

volume::counts volume::count() const {
  std::lock_guard lock{mutex_};
  return counts_;
}

std::size_t volume::open_shards() const {
  std::lock_guard lock{mutex_};
  return open_.size();
}

} // namespace troupe
