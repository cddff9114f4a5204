// limits: what one connection may cost. Each bound names what happens when it is passed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::http {

struct limits {
  // Request line and header fields together; more is answered 431.
  std::size_t head_bytes_max = 16 * 1024;
  // First byte of a head to its end (slowloris): 408. Also TLS handshake, and a new connection's silence: closed.
  std::chrono::milliseconds head_time{10'000};
  // Silence between two requests: closed.
  std::chrono::milliseconds idle_time{60'000};
  // A body that is being read, or a response that is being written, moves stall_bytes_min in each stall_time of
  // waiting for the client. A slow body is answered ec::request_timeout, a slow reader is cut.
  std::chrono::milliseconds stall_time{20'000};
  std::uint64_t stall_bytes_min = 4096;
  // Unread body that is swallowed to keep the connection; with more left it is closed after the answer.
  std::uint64_t drain_bytes_max = 256 * 1024;
  // After the last answer: how much, and for how long, is read and dropped, so that a client that is still sending
  // reads the answer and not a reset.
  std::uint64_t linger_bytes_max = std::uint64_t{32} << 20;
  std::chrono::milliseconds linger_time{2'000};
  // After the grace of stop(): for handlers to notice that they were cut. Those that do not are never resumed.
  std::chrono::milliseconds cut_time{2'000};
  // How often the deadlines above are looked at: their granularity.
  std::chrono::milliseconds sweep_time{250};
  // An idle connection gives its head buffer back after this much silence.
  std::chrono::milliseconds park_time{500};
};

} // namespace troupe::http
