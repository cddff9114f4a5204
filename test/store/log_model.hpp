// What the log tests share: small segments, numbered records, and a list of what a replay saw.
#pragma once

#include "support/print_result.hpp"

#include "store/disk.hpp"
#include "store/log.hpp"

#include <string>
#include <vector>

namespace troupe::test {

struct seen_record {
  log_position position;
  std::uint64_t n1 = 0;
  std::string payload;
};

inline log_options small_segments() {
  log_options options;
  options.directory = "log";
  options.segment_bytes = 2000;
  options.zeros_ahead_bytes = 600;
  return options;
}

// Of a length that varies and is not always aligned.
inline std::string text_of(std::uint64_t n) { return std::to_string(n) + std::string(n * 13 % 97, 'a'); }

inline result<log_position> append(log& l, std::uint64_t n, const std::string& text) {
  auto view = as_bytes(text);
  return l.append({.type = 7, .id = {}, .n1 = n, .n2 = 0}, {&view, 1});
}

inline result<std::unique_ptr<log>> open_log(
  disk& d, const log_options& options, log_position from = {}, std::vector<seen_record>* seen = nullptr) {
  return log::open(d, options, from, [&](const log_entry_view& e) -> result<> {
    if (seen) seen->push_back({e.position, e.record.n1, std::string{as_text(e.payload)}});
    return {};
  });
}

} // namespace troupe::test
