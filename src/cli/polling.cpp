#include "cli/polling.hpp"

#include "cli/progress.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

namespace troupe::cli {

namespace {

constexpr std::chrono::seconds poll_interval{2};
constexpr unsigned polls_a_line = 15; // where the line can not be drawn over

} // namespace

polling::polling(const session& s) : session_(s), drawn_(!s.json && stderr_is_terminal()) {}

polling::~polling() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void polling::show(const std::string& what, const boost::json::object& line, const std::string& text) {
  if (session_.json) {
    print_json(line);
    std::fflush(stdout); // whoever reads a pipe waits for it
    return;
  }
  if (drawn_)
    std::fprintf(stderr, "\r%s: %s\x1b[K", shown(what).c_str(), text.c_str());
  else if (polls_++ % polls_a_line == 0)
    std::fprintf(stderr, "%s: %s\n", shown(what).c_str(), text.c_str());
  std::fflush(stderr);
}

bool polling::wait() const {
  const auto stop = session_.signals.token();
  std::mutex m;
  std::condition_variable_any wake;
  std::unique_lock lock{m};
  wake.wait_for(lock, stop, poll_interval, [] { return false; });
  return !stop.stop_requested();
}

} // namespace troupe::cli
