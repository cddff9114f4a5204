#include "net/generation.hpp"

namespace troupe {

std::string to_string(const group_generation& g) {
  return std::to_string(g.number) + (g.recovery.empty() ? "" : " (" + g.recovery.substr(0, 8) + ")");
}

void generation_keeper::on_newer(take_over f) {
  std::lock_guard lock{mutex_};
  take_over_ = std::move(f);
}

void generation_keeper::on_change(std::function<void()> f) {
  std::lock_guard lock{mutex_};
  changed_ = std::move(f);
}

group_generation generation_keeper::now() const {
  std::lock_guard lock{mutex_};
  return now_;
}

result<> generation_keeper::meet(const group_generation& theirs, const std::string& who) {
  std::lock_guard lock{mutex_};
  if (theirs == now_) return {};
  if (theirs.number == now_.number)
    return fail(ec::conflict,
      who + " is of the metadata group of generation " + to_string(theirs) + ", this one of " + to_string(now_) +
        ": the group was recovered twice, from two members. Stop the nodes of one of the two, and move their metadata "
        "directories aside");
  if (theirs.number < now_.number)
    return fail(ec::conflict,
      who + " is of the metadata group of generation " + to_string(theirs) + ", which generation " + to_string(now_) +
        " has replaced");
  if (!take_over_) return fail(ec::conflict, who + " is of a newer metadata group, of generation " + to_string(theirs));
  TROUPE_TRY(take_over_(theirs));
  now_ = theirs;
  if (changed_) changed_();
  return {};
}

} // namespace troupe
