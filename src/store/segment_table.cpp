#include "store/segment_table.hpp"

#include <charconv>

namespace troupe {

std::optional<std::uint64_t> segment_number(std::string_view name) {
  constexpr std::string_view prefix = "segment_", suffix = ".wal";
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return {};
  name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  std::uint64_t number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc{} || end != name.data() + name.size() || name[0] == '0') return {};
  return number;
}

std::string segment_table::closed_path(std::uint64_t number) const {
  return directory_ + "/segment_" + std::to_string(number) + ".wal";
}

result<segment_view> segment_table::open(std::uint64_t number) {
  auto gone = [&] { return fail(ec::not_found, directory_ + ": there is no segment " + std::to_string(number)); };
  {
    std::lock_guard guard{mutex_};
    auto found = segments_.find(number);
    if (found == segments_.end()) return gone();
    auto& s = found->second;
    if (s.cached) used_.splice(used_.begin(), used_, s.use);
    if (s.file) return segment_view{s.file, s.end};
  }
  auto file = disk_.open(closed_path(number), disk::open_mode::existing);
  std::lock_guard guard{mutex_};
  auto found = segments_.find(number);
  if (found == segments_.end()) return gone(); // removed meanwhile
  auto& s = found->second;
  if (!file && !s.file) return std::move(file).error();
  if (!s.file) cache(number, s, std::move(*file));
  return segment_view{s.file, s.end};
}

std::optional<std::uint64_t> segment_table::end_of(std::uint64_t number) const {
  std::lock_guard guard{mutex_};
  auto found = segments_.find(number);
  return found == segments_.end() ? std::nullopt : std::optional{found->second.end};
}

std::vector<log_segment_info> segment_table::list() const {
  std::lock_guard guard{mutex_};
  std::vector<log_segment_info> all;
  all.reserve(segments_.size());
  for (auto& [number, s] : segments_) all.push_back({number, s.end});
  return all;
}

void segment_table::add_closed(std::uint64_t number, std::uint64_t end) {
  std::lock_guard guard{mutex_};
  segments_[number].end = end;
}

void segment_table::set_active(std::uint64_t number, std::shared_ptr<disk_file> file, std::uint64_t end) {
  std::lock_guard guard{mutex_};
  active_ = number;
  auto& s = segments_[number];
  uncache(s);
  s.end = end;
  s.file = std::move(file);
}

void segment_table::set_end(std::uint64_t end) {
  std::lock_guard guard{mutex_};
  segments_[active_].end = end;
}

void segment_table::close_active(std::uint64_t end) {
  std::lock_guard guard{mutex_};
  auto& s = segments_[active_];
  s.end = end;
  if (s.file) s.file->detach();
  s.file.reset(); // opened again when it is read
  active_ = 0;
}

void segment_table::remove(std::uint64_t number) {
  std::lock_guard guard{mutex_};
  auto found = segments_.find(number);
  if (found == segments_.end()) return;
  uncache(found->second);
  segments_.erase(found);
  if (number == active_) active_ = 0;
}

void segment_table::cache(std::uint64_t number, segment& s, std::shared_ptr<disk_file> file) {
  s.file = std::move(file);
  s.use = used_.insert(used_.begin(), number);
  s.cached = true;
  if (used_.size() > open_files_max) uncache(segments_[used_.back()]);
}

void segment_table::uncache(segment& s) {
  if (!s.cached) return;
  used_.erase(s.use);
  s.cached = false;
  s.file.reset();
}

} // namespace troupe
