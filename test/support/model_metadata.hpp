// model_metadata: a metadata_actor without Raft or disk: the real metadata machine over a state in memory. For tests of
// what talks to METADATA.
#pragma once

#include "actors/interfaces.hpp"
#include "core/metadata_machine.hpp"
#include "store/state.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <optional>

namespace troupe {

struct model_metadata_state {
  explicit model_metadata_state(caf::local_actor*) {}
  static inline const char* name = "model_metadata";
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::uint64_t index = 0;
};

// `rows` outlives the actor, so that a test can look.
inline metadata_actor::behavior_type model_metadata(metadata_actor::stateful_pointer<model_metadata_state> self,
  std::shared_ptr<state> rows,
  std::shared_ptr<std::optional<ec>> answer_instead =
    nullptr) { // commits are carried out, and answered with this error
  self->state.rows = std::move(rows);
  return {
    [self](read_atom, const wire<pb::read_request>& request) -> caf::result<wire<pb::read_reply>> {
      auto reply = metadata_machine{*self->state.rows}.read(*request);
      if (!reply) return to_caf(reply.error());
      return wire<pb::read_reply>{std::move(*reply)};
    },
    [self](list_atom, const wire<pb::list_request>& request) -> caf::result<wire<pb::list_reply>> {
      auto reply = metadata_machine{*self->state.rows}.list(*request);
      if (!reply) return to_caf(reply.error());
      return wire<pb::list_reply>{std::move(*reply)};
    },
    [self, answer_instead](commit_atom, const wire<pb::batch>& batch) -> caf::result<wire<pb::batch_result>> {
      pb::log_entry entry;
      *entry.add_batches() = *batch;
      auto done = metadata_machine{*self->state.rows}.apply(entry, ++self->state.index);
      if (!done) return to_caf(done.error());
      if (!done->front()) return to_caf(done->front().error());
      if (answer_instead && *answer_instead) return to_caf(fail(**answer_instead, "scripted"));
      return wire<pb::batch_result>{*done->front()};
    },
    [self](status_atom) -> wire<pb::metadata_status> {
      pb::metadata_status status;
      status.set_state("leader");
      status.set_applied_index(self->state.index);
      return wire<pb::metadata_status>{std::move(status)};
    },
    [](raft_atom, const wire<pb::raft_message>&) {},
    [](copy_atom, const wire<pb::state_copy_request>&) -> caf::result<wire<pb::state_copy_page>> {
      return to_caf(fail(ec::not_implemented, "a model has no copies"));
    },
    [](members_atom, const wire<pb::member_change>&) -> caf::result<void> {
      return to_caf(fail(ec::not_implemented, "a model has no members"));
    },
  };
}

} // namespace troupe
