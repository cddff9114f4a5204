// heal_progress: how far a rebalance or a repair is, look by look, and how long it may still take. Pure.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::cli {

enum class healing_work { rebalance, repair };

class heal_progress {
public:
  explicit heal_progress(healing_work w) : work_(w) {}
  // An answer of /admin/healing, `seconds` after the start.
  void add(double seconds, const boost::json::object&);
  bool done() const { return done_; }
  // "1200 of about 4000 extents seen, 30 moved (12.0 MiB)  0:40"
  std::string line() const;
  // What is to be said at the end.
  std::string summary() const;

private:
  struct look {
    double seconds = 0;
    std::int64_t walk = 0, seen = 0, before = 0; // before: in the last whole walk; 0: not known
    std::int64_t moved = 0, bytes = 0, stuck = 0;
    std::int64_t incomplete = 0, repaired = 0, waiting = 0;
    bool waiting_more = false;
  };
  std::optional<std::int64_t> seconds_left() const; // of the walk that goes on

  healing_work work_;
  std::optional<look> start_, first_of_walk_, last_;
  bool done_ = false;
};

} // namespace troupe::cli
