// sim_mutants: metadata that forgets some preconditions, between a simulated process and its group. What a simulation must find
// out: a checker that does not fail with a mutant checks nothing.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <utility>

namespace troupe::test {

// Which ones; empty: none, and nobody stands between.
using forgotten_preconditions = std::function<bool(const pb::precondition&)>;

inline metadata_actor::behavior_type forgetful_metadata(
  metadata_actor::pointer self, const metadata_actor& group, const forgotten_preconditions& forgets) {
  return {
    [=](read_atom, const wire<pb::read_request>& r) { return self->delegate(group, read_atom::value, r); },
    [=](list_atom, const wire<pb::list_request>& r) { return self->delegate(group, list_atom::value, r); },
    [=](commit_atom, const wire<pb::batch>& whole) {
      pb::batch batch = *whole;
      batch.clear_preconditions();
      for (auto& p : whole->preconditions())
        if (!forgets(p)) *batch.add_preconditions() = p;
      return self->delegate(group, commit_atom::value, wire<pb::batch>{std::move(batch)});
    },
    [=](status_atom) { return self->delegate(group, status_atom::value); },
    [](raft_atom, const wire<pb::raft_message>&) {},
    [=](copy_atom, const wire<pb::state_copy_request>& r) { return self->delegate(group, copy_atom::value, r); },
    [=](members_atom, const wire<pb::member_change>& c) { return self->delegate(group, members_atom::value, c); },
  };
}

} // namespace troupe::test
