// drain_progress: what a draining node still holds, sample by sample, and how long that may take. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::cli {

struct drain_sample {
  double seconds = 0; // since the start
  std::uint64_t live_bytes = 0, pieces = 0;
};

class drain_progress {
public:
  void add(const drain_sample&);
  // Over all samples: bytes that went a second. Nothing before the second one, or while nothing has gone.
  std::optional<double> bytes_per_second() const;
  // "1.2 GiB in 3400 pieces left  12.0 MiB/s  1:40"
  std::string line() const;

private:
  std::optional<drain_sample> first_, last_;
};

} // namespace troupe::cli
