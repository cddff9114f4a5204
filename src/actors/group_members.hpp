// group_members: who is in the metadata group, asked of its leader.
#pragma once

#include "actors/interfaces.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace troupe {

using known_members = std::optional<std::set<std::uint64_t>>; // their Raft ids; nothing: no leader said so

// `then` is called once, in the actor that asks.
template <class Self>
void ask_for_members(Self self, const metadata_actor& group, std::chrono::milliseconds timeout,
  const std::function<void(const known_members&)>& then) {
  self->request(group, timeout, status_atom::value)
    .then(
      [then](const wire<pb::metadata_status>& status) {
        if (status->state() != "leader") return then(std::nullopt);
        std::set<std::uint64_t> ids;
        for (auto& m : status->members()) ids.insert(m.id());
        then(std::move(ids));
      },
      [then](const caf::error&) { then(std::nullopt); });
}

} // namespace troupe
