// volume_lease: who may write to a volume, decided by two rows of the metadata group and this node's own clock. Pure: it is
// told what the rows say and when, and answers what to do. The FAILOVER ELECTOR carries the messages.
//
// Safety. A holder may write until (when it sent its last renewal that was committed) + duration - margin. Another node
// takes over when it has seen no renewal for the row's duration + margin, counted from when it first saw the last one:
// later than that was sent. So the two times do not overlap as long as clocks run equally fast within the margin; no clock
// is compared with another one's. Every holder has a token of its own, one higher than the last: the rows are changed by
// compare and set, so no two nodes get one token.
#pragma once

#include "base/monotonic_clock.hpp"
#include "volumes.pb.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

struct volume_lease_options {
  std::string self;    // node id
  std::string address; // for the row: where this node's clients are
  std::string volume;
  std::string provider;
  std::chrono::milliseconds duration{3000}; // 0: for ever, of a volume that a file lock guards besides
  std::chrono::milliseconds margin{300};    // for clocks that do not run equally fast, both ways
};

// What one linearizable read answered.
struct lease_rows {
  std::optional<pb::volume_row> row; // nothing: nobody ever had the volume
  std::uint64_t renewals = 0;
};

class volume_lease {
public:
  explicit volume_lease(volume_lease_options o) : options_(std::move(o)) {}

  enum class step : std::uint8_t {
    wait,
    take,  // commit wanted() provided that the row still is what was read; then taken()
    renew, // commit one renewal more, provided that the row is ours; then renewed()
    lost,  // somebody else has it: stop writing
  };
  step seen(const lease_rows&, monotonic_time now);
  pb::volume_row wanted() const { return wanted_; }

  // The commit's outcome; `sent`: before it was asked for. An outcome that is not known is a failure here.
  void taken(bool ok, monotonic_time sent);
  void renewed(bool ok, monotonic_time sent);
  void gave_up(); // before the row is given back: nothing may be written from now on

  bool held() const { return row_.token() != 0; }
  const pb::volume_row& row() const { return row_; } // ours, while held()
  // No write may be acknowledged at or after it.
  monotonic_time until() const { return until_; }
  std::chrono::milliseconds tick() const; // how often to look

private:
  monotonic_time end_of(monotonic_time sent) const;

  volume_lease_options options_;
  pb::volume_row wanted_;
  pb::volume_row row_; // token 0: not ours
  monotonic_time until_{0};
  // The other holder, as seen last, and since when it looks like that.
  std::uint64_t other_token_ = 0, other_renewals_ = 0;
  std::optional<monotonic_time> unchanged_since_;
};

} // namespace troupe
