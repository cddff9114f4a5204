#include "base/environment.hpp"

#include "base/monotonic_clock.hpp"

#include <ctime>
#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>

namespace troupe {
namespace {

class real_clock final : public wall_clock {
public:
  unix_ms now() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
};

class boot_clock final : public monotonic_clock {
public:
  monotonic_time now() const override {
    timespec t{};
    if (::clock_gettime(CLOCK_BOOTTIME, &t) != 0) std::abort(); // without time no lease is safe
    return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
  }
};

class kernel_entropy final : public entropy {
public:
  void fill(bytes_span out) override {
    while (!out.empty()) {
      auto n = ::getrandom(out.data(), out.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) std::abort(); // no randomness means no safe ids and no safe keys
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
};

} // namespace

wall_clock& system_clock_source() {
  static real_clock c;
  return c;
}

monotonic_clock& system_monotonic_clock() {
  static boot_clock c;
  return c;
}

entropy& system_entropy() {
  static kernel_entropy e;
  return e;
}

} // namespace troupe
