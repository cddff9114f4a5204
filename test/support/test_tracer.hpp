// test_tracer: a tracer over the system's clocks and randomness, which nobody takes spans from but the test.
#pragma once

#include "core/tracer.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

inline std::shared_ptr<tracer> make_test_tracer(double sample = 0) {
  return std::make_shared<tracer>(tracer_options{
    .sample = sample, .clock = &system_clock_source(), .time = &system_monotonic_clock(), .random = &system_entropy()});
}

// The client's word, and what it means.
inline constexpr const char* sampled_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
inline trace_context sampled_context() { return *trace_context::parse_traceparent(sampled_parent); }

inline std::vector<span> spans_of(tracer& t) { return t.take(100'000, std::chrono::milliseconds{0}); }

inline std::vector<span> named(const std::vector<span>& all, const std::string& name) {
  std::vector<span> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found), [&](const span& s) { return name == s.name; });
  return found;
}

inline std::string text_of(const span& s, const std::string& attribute) {
  for (const auto& [key, value] : s.attributes)
    if (attribute == key) {
      if (auto* text = std::get_if<std::string>(&value)) return *text;
      return std::to_string(std::get<std::int64_t>(value));
    }
  return "(absent)";
}

} // namespace troupe::test
