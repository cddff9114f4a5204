#include "core/log_verification.hpp"

#include <algorithm>

namespace troupe {

using namespace std::chrono_literals;

std::chrono::milliseconds verification_look(std::chrono::milliseconds interval) {
  return std::clamp<std::chrono::milliseconds>(interval / 20, 1s, 1min);
}

bool verification_due(const pb::file_log_verification& last, unix_ms now, std::chrono::milliseconds interval) {
  const auto since = [now](
                       std::int64_t then) { return std::chrono::milliseconds{now < then ? then - now : now - then}; };
  const bool at_it = last.begun_ms() > last.finished_ms();
  if (at_it && since(last.begun_ms()) < std::max<std::chrono::milliseconds>(interval, 10min)) return false;
  return last.finished_ms() == 0 || since(last.finished_ms()) >= interval;
}

} // namespace troupe
