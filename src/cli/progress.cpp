#include "cli/progress.hpp"

#include "codec/units.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

constexpr auto redraw_every = std::chrono::milliseconds{100};
constexpr double smoothing_seconds = 3;

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

} // namespace

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

void rate_meter::update(double seconds, std::uint64_t bytes_so_far) {
  const auto elapsed = seconds - last_seconds_;
  if (elapsed <= 0) return;
  const auto moved = bytes_so_far > last_bytes_ ? static_cast<double>(bytes_so_far - last_bytes_) : 0.0;
  const auto weight = primed_ ? 1 - std::exp(-elapsed / smoothing_seconds) : 1.0;
  rate_ += (moved / elapsed - rate_) * weight;
  last_seconds_ = seconds;
  last_bytes_ = bytes_so_far;
  primed_ = true;
}

std::string progress_line(std::string_view label, const progress_state& state, std::size_t columns) {
  const auto rate = human_bytes(static_cast<std::uint64_t>(std::max(0.0, state.bytes_per_second))) + "/s";
  std::string line;
  if (!state.total) {
    line = std::string{label} + "  " + human_bytes(state.done) + "  " + rate;
  } else {
    const auto total = *state.total;
    const auto fraction =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(state.done) / static_cast<double>(total));
    std::string left = "-:--";
    if (state.done >= total)
      left = "0:00";
    else if (state.bytes_per_second >= 1) {
      const auto seconds = std::ceil(static_cast<double>(total - state.done) / state.bytes_per_second);
      if (seconds < 100.0 * 3600) left = human_countdown(std::chrono::seconds{static_cast<std::int64_t>(seconds)});
    }
    auto percent = std::to_string(static_cast<int>(fraction * 100)) + " %"; // rounds down: 100 % means all of it
    percent.insert(0, 5 - std::min<std::size_t>(5, percent.size()), ' ');
    const auto tail =
      percent + "  " + human_bytes(state.done) + " of " + human_bytes(total) + "  " + rate + "  " + left;
    line = std::string{label} + "  ";
    constexpr std::size_t bar_min = 10;
    constexpr std::size_t bar_max = 40;
    if (line.size() + tail.size() + bar_min + 4 <= columns) {
      const auto width = std::min(bar_max, columns - line.size() - tail.size() - 4);
      const auto full = static_cast<std::size_t>(fraction * static_cast<double>(width));
      line += '[' + std::string(full, '=') + (full < width ? ">" + std::string(width - full - 1, ' ') : "") + "] ";
    }
    line += tail;
  }
  if (line.size() > columns) line.resize(columns);
  return line;
}

progress::progress(std::string label, std::optional<std::uint64_t> total, bool shown)
    : label_(std::move(label)), total_(total), shown_(shown) {}

progress::~progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr); // the result line follows
}

void progress::add(std::uint64_t bytes) {
  done_.fetch_add(bytes, std::memory_order_relaxed);
  tick();
}

void progress::take_back(std::uint64_t bytes) { done_.fetch_sub(bytes, std::memory_order_relaxed); }

void progress::tick() {
  if (!shown_) return;
  std::unique_lock lock{drawing_, std::try_to_lock};
  if (!lock) return; // another thread is drawing
  const auto now = clock::now();
  if (now < next_) return;
  next_ = now + redraw_every;
  rate_.update(std::chrono::duration<double>(now - start_).count(), done());
  const auto line = progress_line(
    label_, {.done = done(), .total = total_, .bytes_per_second = rate_.bytes_per_second()}, terminal_columns() - 1);
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
}

} // namespace troupe::cli
