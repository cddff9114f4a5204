// md5_lanes: MD5 of many streams at once. One MD5 is a chain of dependent steps and leaves most of a core idle; 16
// (AVX-512) or 8 (AVX2) streams side by side fill it. It pays when several uploads' blocks are hashed together.
// A single stream: md5_single.hpp. Nothing here is a security measure: S3's ETag is an MD5, that is all.
#pragma once

#include "base/bytes.hpp"
#include "codec/digest.hpp"
#include "codec/md5_single.hpp"

#include <cstdint>
#include <span>

namespace troupe {

struct md5_lane {
  md5_state* state = nullptr;      // each lane its own
  const std::byte* data = nullptr; // blocks * 64 bytes, any alignment
  std::size_t blocks = 0;
};

// How many lanes this processor runs at once: 16, 8 or 1.
std::size_t md5_lanes_at_once() noexcept;

// Advances every state over its blocks. Any number of lanes of any lengths; most efficient when there are at least
// md5_lanes_at_once() of similar length. `at_once` narrows what the processor could do, for tests.
void md5_blocks(std::span<const md5_lane>, std::size_t at_once = md5_lanes_at_once());

// One message. Copyable; threads may use different streams.
class md5_stream {
public:
  void add(bytes_view);
  md5_digest finish(); // starts anew

private:
  friend void md5_add(std::span<const struct md5_job>);
  // Takes what completes the block begun earlier, returns the rest; afterwards the rest's whole blocks may be hashed.
  bytes_view top_up(bytes_view);
  void keep(bytes_view tail); // < 64 bytes

  md5_state state_;
  std::uint64_t bytes_ = 0;
  std::array<std::byte, 64> block_{}; // its first bytes_ % 64 bytes are in use
};

struct md5_job {
  md5_stream* stream = nullptr; // each job its own
  bytes_view data;
};
// The same as calling add() for each, side by side.
void md5_add(std::span<const md5_job>);

} // namespace troupe
