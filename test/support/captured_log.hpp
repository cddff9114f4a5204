// captured_log: what is logged while it lives, for tests of what operators are told by threads.
#pragma once

#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace troupe::test {

class captured_log {
public:
  captured_log() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", lines_)); }
  ~captured_log() { spdlog::set_default_logger(before_); }
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  std::size_t count(const std::string& words) const {
    const auto all = lines_->last_formatted();
    return static_cast<std::size_t>(
      std::ranges::count_if(all, [&](const auto& line) { return line.find(words) != std::string::npos; }));
  }
  bool has(const std::string& words) const { return count(words) != 0; }

private:
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

// Waits for what another thread does; false after ten seconds.
template <class Condition>
bool comes_true(Condition c) {
  for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10}; std::chrono::steady_clock::now() < end;
       std::this_thread::yield())
    if (c()) return true;
  return false;
}

} // namespace troupe::test
