#include "actors/census.hpp"

#include <map>
#include <string>

namespace troupe {

void actor_census::add(const entry* e) {
  std::lock_guard lock{mutex_};
  entries_.insert(e);
}

void actor_census::remove(const entry* e) {
  std::lock_guard lock{mutex_};
  entries_.erase(e);
}

void actor_census::describe(pb::process_status& status) const {
  std::map<std::string, pb::process_status::actor_kind> kinds;
  {
    std::lock_guard lock{mutex_};
    for (const auto* e : entries_) {
      auto condition = e->now();
      if (condition == entry::condition::ended) continue;
      auto handled = e->handled.load(std::memory_order_relaxed); // first: it never passes what was received
      auto received = e->received.load(std::memory_order_relaxed);
      auto queued = condition == entry::condition::asleep || handled > received ? 0 : received - handled;
      auto& kind = kinds[e->name];
      kind.set_instances(kind.instances() + 1);
      kind.set_queued(kind.queued() + queued);
      kind.set_longest_queue(std::max(kind.longest_queue(), queued));
      kind.set_received(kind.received() + received);
    }
  }
  for (auto& [name, kind] : kinds) {
    kind.set_name(name);
    *status.add_actors() = kind;
  }
}

} // namespace troupe
