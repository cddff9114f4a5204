#include "core/volume_lease.hpp"

#include <algorithm>

namespace troupe {

using namespace std::chrono_literals;

monotonic_time volume_lease::end_of(monotonic_time sent) const {
  if (options_.duration == 0ms) return monotonic_time::max();
  return sent + options_.duration - options_.margin;
}

volume_lease::step volume_lease::seen(const lease_rows& rows, monotonic_time now) {
  const auto take = [&](std::uint64_t last_token) {
    wanted_.Clear();
    wanted_.set_id(options_.volume);
    wanted_.set_holder(options_.self);
    wanted_.set_address(options_.address);
    wanted_.set_token(last_token + 1);
    wanted_.set_lease_ms(static_cast<std::uint64_t>(options_.duration.count()));
    wanted_.set_provider(options_.provider);
    return step::take;
  };
  if (!rows.row) {
    gave_up();
    return take(0);
  }
  const auto& r = *rows.row;
  if (held() && r.holder() == options_.self && r.token() == row_.token())
    return options_.duration == 0ms ? step::wait : step::renew;
  if (held()) {
    gave_up();
    unchanged_since_.reset();
    return step::lost;
  }
  // An earlier process of this node, or a commit of ours whose outcome was not known: it is not writing any more, since the
  // node's data directory is held by one process at a time.
  if (r.holder().empty() || r.holder() == options_.self) return take(r.token());
  if (!unchanged_since_ || other_token_ != r.token() || other_renewals_ != rows.renewals) {
    other_token_ = r.token();
    other_renewals_ = rows.renewals;
    unchanged_since_ = now;
    return step::wait;
  }
  if (r.lease_ms() == 0) return step::wait; // for ever
  // The row's duration, not ours: it is what its holder reckons with. Its margin is not known, ours is on top.
  if (now - *unchanged_since_ < std::chrono::milliseconds{static_cast<std::int64_t>(r.lease_ms())} + options_.margin)
    return step::wait;
  return take(r.token());
}

void volume_lease::taken(bool ok, monotonic_time sent) {
  unchanged_since_.reset();
  if (!ok) return;
  row_ = wanted_;
  until_ = end_of(sent);
}

void volume_lease::renewed(bool ok, monotonic_time sent) {
  if (ok && held()) until_ = std::max(until_, end_of(sent));
}

void volume_lease::gave_up() {
  row_.Clear();
  until_ = monotonic_time{0};
}

std::chrono::milliseconds volume_lease::tick() const {
  if (options_.duration == 0ms) return 1000ms;
  return std::clamp(options_.duration / 8, 20ms, 1000ms);
}

} // namespace troupe
