// tracer: the spans of one process on their way to a collector: decides which requests are recorded, gives ids and times, and
// holds what has ended until somebody takes it (roles/trace_exporter.hpp). Whoever records never waits: what does not fit is
// dropped and counted. Thread-safe.
//
// No tracer (a null pointer) is tracing switched off: open_span() of one costs a branch, and so does one of a request that is
// not sampled.
#pragma once

#include "base/environment.hpp"
#include "base/monotonic_clock.hpp"
#include "core/trace_context.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

// As OTLP numbers them.
enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 };

struct span {
  using attribute = std::pair<const char*, std::variant<std::int64_t, std::string>>; // names are literals
  trace_context context;                                                             // its own id, and its trace's
  span_id parent{};                                                                  // zeros: it has none
  const char* name = "";                                                             // a literal
  span_kind kind = span_kind::internal;
  std::int64_t start_ns = 0, end_ns = 0; // since the Unix epoch
  std::vector<attribute> attributes;
  bool failed = false;
  std::string failure; // in words; may be empty
};

struct tracer_options {
  double sample = 0.01;           // of the requests whose client does not say, 0 to 1
  std::size_t spans_max = 16'384; // that wait to be taken
  const wall_clock* clock = nullptr;
  const monotonic_clock* time = nullptr;
  entropy* random = nullptr; // thread-safe, as the clocks
};

class tracer {
public:
  explicit tracer(tracer_options);

  // What a request that came with this traceparent (empty: with none) belongs to: the trace of its client, sampled as that
  // decided, else a new one. The span id is the client's; zeros without one.
  trace_context accept(std::string_view traceparent);
  span_id new_span_id();
  std::int64_t now_ns();

  void add(span);

  // For the exporter. Waits until `enough` spans are there, wake() was called, or the time is over; takes at most `enough`.
  std::vector<span> take(std::size_t enough, std::chrono::milliseconds at_most);
  void wake(); // this and every later wait

  struct counts {
    std::uint64_t recorded = 0; // spans
    std::uint64_t dropped = 0;  // of these, because too many waited
    std::uint64_t sent = 0;     // of these, taken by the collector
    std::uint64_t lost = 0;     // of these, refused by it, or it could not be reached
  };
  counts count() const;
  void delivered(std::size_t spans, bool taken);

private:
  tracer_options options_;
  std::uint64_t sample_below_;            // of 64 random bits; all of them: every request
  std::atomic<std::int64_t> epoch_ns_{0}; // wall clock less monotonic
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<span> waiting_;
  counts counts_;
  bool woken_ = false;
};

// A span that goes on: ends, and is added, when this does. Movable; belongs to one thread at a time.
class open_span {
public:
  open_span() = default; // records nothing
  // A child of `parent`. Nothing is recorded without a tracer, or when the parent is not sampled.
  open_span(const std::shared_ptr<tracer>& to, const trace_context& parent, const char* name, span_kind kind) {
    if (to && parent.sampled) begin(to, parent, name, kind);
  }
  // The same of what another process sent: trace_context::to_bytes(), or empty.
  open_span(const std::shared_ptr<tracer>& to, std::string_view parent, const char* name, span_kind kind) {
    if (to && !parent.empty()) begin(to, trace_context::from_bytes(parent), name, kind);
  }
  open_span(open_span&&) noexcept = default;
  open_span& operator=(open_span&& other) noexcept {
    end();
    recording_ = std::move(other.recording_);
    return *this;
  }
  ~open_span() { end(); }

  explicit operator bool() const { return recording_ != nullptr; }
  // For what it causes; none when nothing is recorded.
  trace_context context() const { return recording_ ? recording_->what.context : trace_context{}; }
  std::string context_bytes() const { return recording_ ? recording_->what.context.to_bytes() : std::string{}; }

  void name(const char* literal) {
    if (recording_) recording_->what.name = literal;
  }
  void set(const char* literal, std::string_view value) {
    if (recording_) recording_->what.attributes.emplace_back(literal, std::string{value});
  }
  void set(const char* literal, std::uint64_t value) {
    if (recording_) recording_->what.attributes.emplace_back(literal, static_cast<std::int64_t>(value));
  }
  void failed(std::string_view why);
  void end();
  // A child of this one; records nothing when this one does not.
  open_span child(const char* literal, span_kind kind) const {
    return recording_ ? open_span{recording_->to, recording_->what.context, literal, kind} : open_span{};
  }

private:
  struct recording {
    std::shared_ptr<tracer> to;
    span what;
  };
  void begin(const std::shared_ptr<tracer>&, const trace_context& parent, const char* name, span_kind);
  std::unique_ptr<recording> recording_;
};

} // namespace troupe
