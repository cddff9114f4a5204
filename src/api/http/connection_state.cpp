#include "api/http/connection_state.hpp"

#include <algorithm>

namespace troupe::http {

void connection_state::enter(phase p, steady::duration d) {
  at = p;
  mark = io.progress();
  allowance = {};
  since = home.now();
  deadline = since + d;
}

void connection_state::wait_for_client(phase p) {
  if (io.progress() >= mark + bounds.stall_bytes_min || allowance == steady::duration{}) {
    mark = io.progress();
    allowance = bounds.stall_time;
  }
  at = p;
  since = home.now();
  deadline = since + allowance;
}

void connection_state::back_to_handler() {
  at = phase::working;
  allowance = std::max<steady::duration>(allowance - (home.now() - since), std::chrono::milliseconds{1});
}

bool connection_state::refill(steady::time_point now) {
  if (at != phase::body && at != phase::write) return false;
  auto moved = io.progress() + (at == phase::body ? io.unread() : 0); // ahead of what is read: mark is, too
  if (moved < mark + bounds.stall_bytes_min) return false;
  mark = moved;
  allowance = bounds.stall_time;
  since = now;
  deadline = now + allowance;
  return true;
}

} // namespace troupe::http
