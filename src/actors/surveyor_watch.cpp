// What the SURVEYOR tells those who watch (core/event_log.hpp): it looks around every second, only while somebody does, and
// notes what is not as it was. Gossip and the map are noted by those who hear of them first.
#include "actors/surveyor_state.hpp"

#include <caf/actor_cast.hpp>

namespace troupe {
namespace {

constexpr unsigned looks_per_healing = 2; // healing changes slowly

void note(const surveyor_state& s, const std::vector<noticed>& all) {
  for (auto& n : all) s.options.events->add(n.kind, n.node, n.text);
}

// What is known now: of a node that did not answer this time, its last word.
std::shared_ptr<const cluster_survey> known(const cluster_survey* before, const cluster_survey& now) {
  auto all = std::make_shared<cluster_survey>(now);
  if (before == nullptr) return all;
  for (auto& n : all->nodes)
    for (auto& b : before->nodes)
      if (b.id == n.id && !n.storage && b.storage) n.storage = b.storage;
  return all;
}

void look_at_healing(surveyor_pointer self) {
  auto& s = self->state;
  self
    ->request(caf::actor_cast<surveyor_actor>(self->ctrl()), 2 * s.options.timeout, everyone_atom::value,
      heal_atom::value, wire<pb::heal_order>{pb::heal_order{}})
    .then(
      [self](const everyones_answers& a) {
        auto& now = self->state;
        for (auto& [node, said] : a.answers->healing) {
          if (!said) continue;
          auto before = now.seen_healing.find(node);
          note(now, healing_changes(node, before == now.seen_healing.end() ? nullptr : &before->second, *said));
          now.seen_healing.insert_or_assign(node, *said);
        }
      },
      [](const caf::error&) {});
}

} // namespace

void look_around(surveyor_pointer self) {
  auto& s = self->state;
  self->delayed_send(self, s.options.look_interval, tick_atom::value);
  if (!s.options.events->watched()) {
    s.seen.reset();
    s.seen_healing.clear();
    s.looks = 0;
    return;
  }
  if (std::exchange(s.looking, true)) return;
  self->request(caf::actor_cast<surveyor_actor>(self->ctrl()), 2 * s.options.timeout, status_atom::value)
    .then(
      [self](const survey_result& r) {
        auto& now = self->state;
        now.looking = false;
        note(now, now.seen ? changes_between(*now.seen, *r.survey) : troubles_in(*r.survey));
        now.seen = known(now.seen.get(), *r.survey);
      },
      [self](const caf::error&) { self->state.looking = false; });
  if (s.view->map && s.looks++ % looks_per_healing == 0) look_at_healing(self);
}

} // namespace troupe
