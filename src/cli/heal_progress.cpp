#include "cli/heal_progress.hpp"

#include "cli/json_fields.hpp"
#include "codec/units.hpp"

#include <chrono>
#include <cmath>

namespace troupe::cli {

namespace {

std::string extents(std::int64_t n) { return std::to_string(n) + (n == 1 ? " extent" : " extents"); }

} // namespace

void heal_progress::add(double seconds, const boost::json::object& o) {
  const auto& mover = object_of(o, "mover");
  const auto& comparison = object_of(o, "comparison");
  const auto& repairs = object_of(o, "repairs");
  const auto& walk = work_ == healing_work::rebalance ? mover : comparison;
  look l{.seconds = seconds};
  l.walk = number_of(walk, "walks").value_or(0);
  l.seen = number_of(walk, work_ == healing_work::rebalance ? "extents_seen" : "extents").value_or(0);
  l.before = number_of(walk, "extents_before").value_or(0);
  l.moved = number_of(mover, "extents_moved").value_or(0);
  l.bytes = number_of(mover, "bytes_moved").value_or(0);
  l.stuck = number_of(mover, "stuck").value_or(0);
  l.incomplete = number_of(comparison, "incomplete").value_or(0);
  l.repaired = number_of(comparison, "repaired").value_or(0);
  l.waiting = number_of(repairs, "waiting").value_or(0);
  l.waiting_more = is_true(repairs, "more");
  if (!start_) start_ = l;
  if (!first_of_walk_ || first_of_walk_->walk != l.walk || l.seen < first_of_walk_->seen) first_of_walk_ = l;
  last_ = l;
  done_ = work_ == healing_work::rebalance ? !is_true(o, "rebalancing")
                                           : !is_true(comparison, "wanted") && !repairs.empty() && l.waiting == 0;
}

std::optional<std::int64_t> heal_progress::seconds_left() const {
  constexpr double shown_max = 1000.0 * 3600;
  const auto& f = *first_of_walk_;
  if (last_->seen <= f.seen || last_->seconds <= f.seconds || last_->seen >= last_->before) return std::nullopt;
  auto left = static_cast<double>(last_->before - last_->seen) * (last_->seconds - f.seconds) /
    static_cast<double>(last_->seen - f.seen);
  if (left >= shown_max) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(left));
}

std::string heal_progress::line() const {
  if (!last_) return {};
  auto text = std::to_string(last_->seen) +
    (last_->before != 0 ? " of about " + extents(last_->before)
                        : std::string{last_->seen == 1 ? " extent" : " extents"});
  if (work_ == healing_work::rebalance) {
    text += " seen, " + std::to_string(last_->moved - start_->moved) + " moved (" +
      human_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(last_->bytes - start_->bytes, 0))) + ")";
  } else {
    text += " compared, " + std::to_string(last_->incomplete) + " lack pieces, " + std::to_string(last_->waiting) +
      (last_->waiting_more ? " or more" : "") + " wait for repair";
  }
  if (auto left = seconds_left()) text += "  " + human_countdown(std::chrono::seconds{*left});
  return text;
}

std::string heal_progress::summary() const {
  if (!last_) return {};
  if (work_ == healing_work::rebalance)
    return "balanced: " + extents(last_->moved - start_->moved) + " moved" +
      (last_->stuck != 0 ? "; what could not move now: " + extents(last_->stuck) + ", for want of nodes" : "");
  return "repaired: " + extents(last_->repaired - start_->repaired) + " with all pieces again";
}

} // namespace troupe::cli
