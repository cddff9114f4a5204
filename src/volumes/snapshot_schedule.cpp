#include "volumes/snapshot_schedule.hpp"

#include "codec/text.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::string_view regular_prefix = "auto-";

}

std::string snapshot_schedule::name_of(unix_ms at) {
  const auto iso = format_iso8601(at); // "2026-11-20T20:56:00.000Z"
  std::string digits;
  for (char c : iso)
    if (c >= '0' && c <= '9') digits += c;
  return std::string{regular_prefix} + digits.substr(0, 8) + "-" + digits.substr(8, 6) + "-" + digits.substr(14);
}

bool snapshot_schedule::is_regular(std::string_view name) { return name.starts_with(regular_prefix); }

bool snapshot_schedule::due(const std::vector<pb::snapshot_line>& there, unix_ms wall, monotonic_time now) {
  if (!on()) return false;
  std::optional<unix_ms> newest;
  for (const auto& line : there)
    if (is_regular(line.name())) newest = std::max(newest.value_or(line.made_ms()), line.made_ms());
  const auto interval = options_.interval.count();
  // One from the future (a clock was set back) says nothing; tried() keeps the distance then.
  if (!newest || *newest > wall || wall - *newest >= interval) return true;
  next_ = now + std::chrono::milliseconds{interval - (wall - *newest)};
  return false;
}

void snapshot_schedule::tried(bool made, monotonic_time now) {
  next_ = now + (made ? options_.interval : std::min(options_.retry, options_.interval));
}

std::vector<std::string> snapshot_schedule::too_many(const std::vector<pb::snapshot_line>& there) const {
  std::vector<std::string> out;
  for (const auto& line : there)
    if (is_regular(line.name())) out.push_back(line.name());
  std::ranges::sort(out); // names are in the order of time, also of those whose facts can not be read
  out.resize(out.size() - std::min<std::size_t>(out.size(), options_.keep));
  return out;
}

} // namespace troupe
