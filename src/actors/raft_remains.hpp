// raft_remains: what a stopped Raft member has on its disk, and a new group of one made of it when the others are lost.
// Offline: nobody else has the member open. Why it is safe, and what is not: docs/decisions/0011-recovering-metadata.md.
#pragma once

#include "actors/raft_host.hpp"
#include "base/environment.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct raft_remains {
  std::uint64_t term = 0;        // the last one that it took part in
  std::uint64_t last_index = 0;  // of its log
  std::uint64_t last_term = 0;   // of that entry
  std::uint64_t state_index = 0; // up to here the group has certainly agreed
  std::optional<unix_ms>
    last_commit_ms; // the clock of the leader that made the last command in the log; nothing: none is in it
  std::vector<pb::raft_manifest::server> members; // by the last configuration; empty: it never was in a group
  bool recovering = false;                        // it had lost its disk itself, and has not caught up
};

struct raft_remains_options {
  disk* files = nullptr;
  std::string directory;         // on that disk
  std::uint64_t state_index = 0; // of the state beside it
};

// As a start would find it; repairs what a start repairs (a torn tail). ec::corrupt: it would not start either.
result<raft_remains> look_at(const raft_remains_options&);

// Appends a configuration in which `self` is the only member, in a term that is far above any that the lost members can
// have reached: whoever remembers one of theirs must take the new leader for a later one. All of its log stays.
// Durable on return. A crash in between leaves the old group, and may be followed by another call.
result<> found_alone(const raft_remains_options&, const raft_member& self);

// 1,000,000, 2,000,000, ...: elections are a second apart at best.
std::uint64_t term_of_a_new_group(std::uint64_t last);

} // namespace troupe
