#include "volumes/kv_follower.hpp"

#include "store/disk.hpp"

#include <charconv>

namespace troupe {
namespace {

constexpr int attempts_max = 4; // of reading a log that is renamed by a takeover, or compacted, meanwhile

} // namespace

std::string log_directory(const std::string& shard_directory, std::uint64_t token) {
  return shard_directory + "/log-" + std::to_string(token);
}

result<std::uint64_t> newest_log(disk& files, const std::string& shard_directory) {
  auto names = files.list(shard_directory);
  if (!names) return std::move(names).error();
  std::uint64_t newest = 0;
  for (const auto& name : *names) {
    constexpr std::string_view prefix = "log-";
    if (!name.starts_with(prefix)) continue;
    std::uint64_t token = 0;
    const auto* end = name.data() + name.size();
    auto [rest, problem] = std::from_chars(name.data() + prefix.size(), end, token);
    if (problem == std::errc{} && rest == end) newest = std::max(newest, token);
  }
  return newest;
}

result<> kv_follower::catch_up() {
  auto newest = newest_log(disk_, directory_);
  if (!newest) return std::move(newest).error();
  if (*newest == 0) return fail(ec::not_found, directory_ + " has no log yet");
  std::unique_lock lock{index_mutex_};
  if (!tail_ || token_ != *newest) {
    index_ = kv_index{};
    tail_ = std::make_shared<log_tail>(disk_, log_directory(directory_, *newest));
    token_ = *newest;
  }
  auto polled = tail_->poll([this](const log_entry_view& e) { return index_.apply(e); });
  if (!polled && polled.error().code == ec::not_found)
    return fail(ec::unavailable, polled.error().message + ": the log is changing: try again");
  return polled;
}

result<monotonic_time> kv_follower::refresh(monotonic_time age_max) {
  std::lock_guard turn{turn_};
  auto now = clock_.now();
  if (current_ && now - as_of_ <= age_max) return now - as_of_;
  result<> done;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    done = catch_up();
    if (done) break;
    std::unique_lock lock{index_mutex_};
    tail_.reset(); // all of it anew
    current_ = false;
  }
  TROUPE_TRY(done);
  as_of_ = now; // what was written before that moment is in it
  current_ = true;
  return clock_.now() - as_of_;
}

result<> kv_follower::renew(const error&) {
  auto age = refresh(monotonic_time{-1});
  if (!age) return std::move(age).error();
  return {};
}

result<std::pair<log_record, chunk>> kv_follower::read(log_position at) const {
  std::shared_ptr<log_tail> tail;
  {
    std::shared_lock lock{index_mutex_};
    tail = tail_;
  }
  if (!tail) return fail(ec::unavailable, directory_ + " can not be read at the moment: try again");
  return tail->read(at);
}

} // namespace troupe
