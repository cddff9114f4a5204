#include "cli/interrupts.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

} // namespace

interrupts::interrupts() {
  const auto set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC);
  watcher_ = std::thread{[this] { watch(); }};
}

interrupts::~interrupts() {
  std::uint64_t const one = 1;
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
  watcher_.join();
  close(signals_);
  close(wake_);
  const auto set = ending_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void interrupts::watch() {
  std::array<pollfd, 2> waiting{pollfd{signals_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
  for (;;) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue; // EINTR
    if (waiting[1].revents != 0) return;
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
    const auto number = static_cast<int>(info.ssi_signo);
    if (signal_ != 0) _exit(128 + number);
    signal_ = number;
    source_.request_stop();
  }
}

} // namespace troupe::cli
