#include "actors/hasher.hpp"

#include "actors/census.hpp"
#include "actors/interfaces.hpp"
#include "actors/reply.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <vector>

namespace troupe {
namespace {

struct hasher_state {
  hasher_state() = default;
  static inline const char* name = "hasher";
  std::vector<hash_job> waiting;
  std::vector<reply<>> askers; // of the waiting ones, in order
};

using ticking_hasher = hasher_actor::extend<caf::reacts_to<tick_atom>>;
using hasher_pointer = ticking_hasher::stateful_pointer<hasher_state>;

ticking_hasher::behavior_type hasher(hasher_pointer self) {
  self->set_default_handler(caf::drop);
  return {
    [self](hash_atom, const hash_job& job) -> caf::result<void> {
      auto& s = self->state;
      reply<> done{self};
      // The tick comes behind the jobs that are in the mailbox already.
      if (s.waiting.empty()) self->send(self, tick_atom::value);
      s.waiting.push_back(job);
      s.askers.push_back(done);
      return done.later();
    },
    [self](tick_atom) {
      auto jobs = std::move(self->state.waiting);
      auto askers = std::move(self->state.askers);
      self->state.waiting.clear();
      self->state.askers.clear();
      std::vector<md5_job> lanes;
      lanes.reserve(jobs.size());
      for (auto& j : jobs) lanes.push_back({j.stream.get(), j.bytes});
      md5_add(lanes);
      for (auto& done : askers) done({});
    },
  };
}

} // namespace

hasher_actor spawn_hasher(caf::actor_system& system) {
  return caf::actor_cast<hasher_actor>(spawn_counted(system, hasher));
}

} // namespace troupe
