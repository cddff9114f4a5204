#include "cli/drain_progress.hpp"

#include "codec/units.hpp"

#include <chrono>
#include <cmath>

namespace troupe::cli {

void drain_progress::add(const drain_sample& sample) {
  // More than before (what was under way arrived late): the rate is counted anew.
  if (!first_ || sample.live_bytes > first_->live_bytes) first_ = sample;
  last_ = sample;
}

std::optional<double> drain_progress::bytes_per_second() const {
  if (!first_ || last_->seconds <= first_->seconds || last_->live_bytes >= first_->live_bytes) return std::nullopt;
  return static_cast<double>(first_->live_bytes - last_->live_bytes) / (last_->seconds - first_->seconds);
}

std::string drain_progress::line() const {
  if (!last_) return {};
  auto text = human_bytes(last_->live_bytes) + " in " + std::to_string(last_->pieces) + " pieces left";
  auto rate = bytes_per_second();
  if (!rate || *rate < 1) return text;
  text += "  " + human_bytes(static_cast<std::uint64_t>(*rate)) + "/s";
  constexpr double shown_max = 1000.0 * 3600;
  const auto seconds = std::ceil(static_cast<double>(last_->live_bytes) / *rate);
  if (seconds < shown_max) text += "  " + human_countdown(std::chrono::seconds{static_cast<std::int64_t>(seconds)});
  return text;
}

} // namespace troupe::cli
