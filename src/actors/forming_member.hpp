// FORMING MEMBER: this process's metadata member from the start of the process to its end. Before it can open the member it
// must know whether the group exists: a member that was never started joins in founding the group, but one whose disk
// was lost must not vote before it has caught up, and the two look alike. From then on it passes everything on to the
// METADATA that it opened.
//
// The group is founded when all its first members can be asked and none of them was ever part of a term with a leader.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metadata.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace troupe {

struct forming_member_options {
  forming_member_options() = default; // not an aggregate: CAF rule 1
  struct other {
    other() = default;
    other(std::string n, metadata_actor a) : node(std::move(n)), actor(std::move(a)) {}
    std::string node;
    metadata_actor actor;
  };
  metadata_options member;                 // `bootstrap` and `recovering` are found out
  bool pristine = true;                    // there is nothing on its disk
  bool founder = true;                     // one of the group's first members
  std::string must_not_found;              // why this node must not take part in founding a group; empty: it may
  std::string must_not_open;               // why what is on its disk must not be used; empty: it may
  std::vector<other> others;               // the other first members
  std::chrono::milliseconds interval{300}; // between two rounds of asking them
  std::chrono::milliseconds question_timeout{2'000};
};

metadata_actor spawn_forming_member(caf::actor_system&, forming_member_options);

} // namespace troupe
