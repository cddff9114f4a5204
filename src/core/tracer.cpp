#include "core/tracer.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <span>

namespace troupe {
namespace {

constexpr std::int64_t ns_a_ms = 1'000'000;
constexpr std::int64_t clock_tolerance_ns = 10 * ns_a_ms; // the wall clock is read in milliseconds
constexpr std::size_t failure_chars_max = 256;

std::uint64_t threshold_of(double sample) {
  if (sample >= 1) return std::numeric_limits<std::uint64_t>::max();
  if (!(sample > 0)) return 0;
  return static_cast<std::uint64_t>(sample * 0x1p64);
}

template <class T>
void fill(entropy& random, T& value) {
  random.fill(std::as_writable_bytes(std::span{value}));
}

} // namespace

tracer::tracer(tracer_options o) : options_(o), sample_below_(threshold_of(o.sample)) {
  epoch_ns_ = options_.clock->now() * ns_a_ms - options_.time->now().count();
}

trace_context tracer::accept(std::string_view traceparent) {
  if (!traceparent.empty())
    if (auto c = trace_context::parse_traceparent(traceparent)) return *c;
  trace_context c;
  std::array<std::uint64_t, 3> drawn{};
  fill(*options_.random, drawn);
  c.sampled = sample_below_ == std::numeric_limits<std::uint64_t>::max() || drawn[2] < sample_below_;
  if (!c.sampled) return c;
  std::memcpy(c.trace.data(), drawn.data(), c.trace.size());
  c.trace.back() |= 1; // never all zeros
  return c;
}

span_id tracer::new_span_id() {
  span_id id{};
  fill(*options_.random, id);
  id.back() |= 1; // never all zeros
  return id;
}

// Durations by the monotonic clock; the wall clock says where they begin, and is looked at again when it was set.
std::int64_t tracer::now_ns() { return epoch_ns_.load(std::memory_order_relaxed) + options_.time->now().count(); }

void tracer::add(span s) {
  std::lock_guard lock{mutex_};
  ++counts_.recorded;
  if (waiting_.size() >= options_.spans_max) {
    ++counts_.dropped;
    return;
  }
  waiting_.push_back(std::move(s));
  filled_.notify_one();
}

std::vector<span> tracer::take(std::size_t enough, std::chrono::milliseconds at_most) {
  const auto epoch = options_.clock->now() * ns_a_ms - options_.time->now().count();
  if (std::abs(epoch - epoch_ns_.load(std::memory_order_relaxed)) > clock_tolerance_ns) epoch_ns_ = epoch;
  std::unique_lock lock{mutex_};
  filled_.wait_for(lock, at_most, [&] { return woken_ || waiting_.size() >= enough; });
  const auto n = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), enough));
  std::vector<span> taken{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.begin() + n)};
  waiting_.erase(waiting_.begin(), waiting_.begin() + n);
  return taken;
}

void tracer::wake() {
  std::lock_guard lock{mutex_};
  woken_ = true;
  filled_.notify_all();
}

tracer::counts tracer::count() const {
  std::lock_guard lock{mutex_};
  return counts_;
}

void tracer::delivered(std::size_t spans, bool taken) {
  std::lock_guard lock{mutex_};
  (taken ? counts_.sent : counts_.lost) += spans;
}

void open_span::begin(
  const std::shared_ptr<tracer>& to, const trace_context& parent, const char* name, span_kind kind) {
  if (!parent.sampled) return;
  recording_ = std::make_unique<recording>();
  recording_->to = to;
  auto& s = recording_->what;
  s.context.trace = parent.trace;
  s.context.span = to->new_span_id();
  s.context.sampled = true;
  s.parent = parent.span;
  s.name = name;
  s.kind = kind;
  s.start_ns = to->now_ns();
}

void open_span::failed(std::string_view why) {
  if (!recording_) return;
  recording_->what.failed = true;
  recording_->what.failure = why.substr(0, failure_chars_max);
}

void open_span::end() {
  if (!recording_) return;
  auto r = std::move(recording_);
  r->what.end_ns = std::max(r->to->now_ns(), r->what.start_ns);
  r->to->add(std::move(r->what));
}

} // namespace troupe
