// environment: time and randomness as parameters, so that a test decides both.
// Protocol and store code takes these; only main, roles and tests make one.
#pragma once

#include "base/bytes.hpp"
#include "base/ids.hpp"

#include <cstdint>

namespace troupe {

// Milliseconds since the Unix epoch, UTC. Wall clocks jump: never use one to measure a duration.
using unix_ms = std::int64_t;

class wall_clock {
public:
  virtual ~wall_clock() = default;
  virtual unix_ms now() const = 0;
};

class entropy {
public:
  virtual ~entropy() = default;
  // Fills with random bytes; the system source is cryptographic.
  virtual void fill(bytes_span) = 0;
  data_id new_data_id() {
    data_id id;
    fill(id.raw);
    return id;
  }
};

// The real ones; stateless, safe from any thread.
wall_clock& system_clock_source();
entropy& system_entropy();

} // namespace troupe
