// METADATA's changes of its own group, asked of the leader.

#include "actors/metadata_state.hpp"

namespace troupe {
namespace {

raft_host::on_done answering(const reply<>& answer) {
  return [answer](const result<>& outcome) { answer(outcome); };
}

// Wherever an earlier attempt stopped: nothing, a spare, or a voter already.
void add(metadata_pointer self, const pb::member_change& change, const reply<>& answer) {
  auto& host = *self->state.host;
  for (const auto& m : host.members()) {
    if (m.id() != change.id()) continue;
    if (m.address() != change.address())
      return answer(fail(ec::conflict, "metadata member " + std::to_string(m.id()) + " is at " + m.address()));
    if (m.role() == 1) return answer(result<>{}); // a voter
    if (auto accepted = host.promote(change.id(), answering(answer)); !accepted) answer(accepted);
    return;
  }
  auto accepted = host.add({change.id(), change.address()}, [self, id = change.id(), answer](const result<>& added) {
    if (!added) return answer(added);
    self->state.promotions.emplace_back(id, answer); // not from inside the host
  });
  if (!accepted) answer(accepted);
}

void remove(metadata_pointer self, const pb::member_change& change, const reply<>& answer) {
  auto& host = *self->state.host;
  for (const auto& m : host.members()) {
    if (m.id() != change.id()) continue;
    if (auto accepted = host.remove(change.id(), answering(answer)); !accepted) answer(accepted);
    return;
  }
  answer(result<>{});
}

} // namespace

caf::result<void> change_members(metadata_pointer self, const wire<pb::member_change>& change) {
  auto& s = self->state;
  if (refuses(s)) return to_caf(refusal(s));
  if (!s.host->leader()) return to_caf(not_leader(s));
  reply<> answer{self};
  switch (change->kind()) {
  case pb::member_change::add: add(self, *change, answer); break;
  case pb::member_change::remove: remove(self, *change, answer); break;
  case pb::member_change::transfer:
    if (auto accepted = s.host->transfer(change->id(), answering(answer)); !accepted) answer(accepted);
    break;
  default: answer(fail(ec::bad_argument, "an unknown change of the metadata group"));
  }
  carry_out(self);
  return answer.later();
}

void go_on_promoting(metadata_pointer self) {
  auto& s = self->state;
  for (auto ready = std::exchange(s.promotions, {}); auto& [id, answer] : ready)
    if (auto accepted = s.host->promote(id, answering(answer)); !accepted) answer(accepted);
}

} // namespace troupe
