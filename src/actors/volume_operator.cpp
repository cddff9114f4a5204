#include "actors/volume_operator.hpp"

#include "actors/census.hpp"
#include "actors/peer_requests.hpp"
#include "actors/survey.hpp"

#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

namespace troupe {
namespace {

using said_atom = caf::atom_constant<caf::atom("said")>;
using outcome = result<pb::volume_report>;
using on_outcome = std::function<void(outcome)>;

// What the desk of this process answered, on its way into the actor.
struct desk_answer {
  desk_answer() = default; // not an aggregate: CAF rule 1
  desk_answer(std::uint64_t i, const outcome& o) : id(i), said(std::make_shared<const outcome>(o)) {}
  std::uint64_t id = 0;
  std::shared_ptr<const outcome> said;
};

} // namespace
} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::desk_answer)

namespace troupe {
namespace {

struct process {
  node_id id;
  std::optional<peer_address> to; // nothing: this one
};

struct operator_state {
  operator_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "volume_operator";
  volume_operator_options options;
  peer_requests peers;
  std::uint64_t next = 1;
  std::map<std::uint64_t, on_outcome> waiting; // for the desk
};

using answered_operator = volume_operator_actor::extend<answered_by_peers, caf::reacts_to<said_atom, desk_answer>>;
using self_pointer = answered_operator::stateful_pointer<operator_state>;

void ask(self_pointer self, const process& p, const pb::volume_order& order, std::chrono::milliseconds patience,
  on_outcome then) {
  auto& s = self->state;
  if (p.to) {
    if (!s.options.net) return then(fail(ec::unavailable, "it can not be reached"));
    s.peers.call(self, *p.to, plane::control, to_peer(peer_method::process_volume, order), patience,
      [then = std::move(then)](const result<peer_message>& said) {
        if (!said) return then(said.error());
        then(parse_head<pb::volume_report>(*said));
      });
    return;
  }
  if (!s.options.controls) return then(fail(ec::not_implemented, "this process has no volumes of shards"));
  const auto id = s.next++;
  s.waiting.emplace(id, std::move(then));
  s.options.controls->volumes->carry_out(
    order, [id, me = caf::actor_cast<caf::actor>(self->ctrl())](const outcome& said) {
      caf::anon_send(me, said_atom::value, desk_answer{id, said});
    });
}

std::vector<process> processes_in(const cluster_survey& all) {
  std::vector<process> out;
  if (!all.epoch) return {{all.asked_by, std::nullopt}}; // there is no map: one process
  for (const auto& n : all.nodes) {
    if (n.id == all.asked_by)
      out.push_back({n.id, std::nullopt});
    else if (n.listed && n.listed->state != node_state::gone && n.listed->roles.coordinator)
      out.push_back({n.id, peer_address{n.id.name, n.listed->address}});
  }
  return out;
}

using everyone = std::vector<std::pair<process, outcome>>;

// Everybody's word of their volumes.
void look(self_pointer self, std::function<void(result<everyone>)> then) {
  self->request(self->state.options.surveyor, 2 * self->state.options.look_timeout, status_atom::value)
    .then(
      [self, then](const survey_result& found) {
        struct round {
          everyone answers;
          std::size_t waiting = 1; // until all are asked
        };
        auto all = std::make_shared<round>();
        auto one_done = [all, then] {
          if (--all->waiting == 0) then(std::move(all->answers));
        };
        for (const auto& p : processes_in(*found.survey)) {
          ++all->waiting;
          ask(self, p, {}, self->state.options.look_timeout, [all, p, one_done](outcome said) {
            all->answers.emplace_back(p, std::move(said));
            one_done();
          });
        }
        one_done();
      },
      [then](const caf::error& e) { then(from_caf(e)); });
}

caf::result<everyones_volumes> look_at_all(self_pointer self) {
  reply<everyones_volumes> answer{self};
  look(self, [answer](result<everyone> all) {
    if (!all) return answer(all.error());
    volume_answers out;
    for (auto& [p, said] : *all) out.processes.insert_or_assign(p.id, std::move(said));
    answer(everyones_volumes{std::make_shared<const volume_answers>(std::move(out))});
  });
  return answer.later();
}

// Who is to carry an order for this volume out.
result<process> primary_of(const std::string& volume, const everyone& all) {
  bool known = false, silent = false;
  for (const auto& [p, said] : all) {
    silent = silent || !said;
    if (!said) continue;
    auto line = std::ranges::find(said->volumes(), volume, &pb::volume_line::id);
    if (line == said->volumes().end()) continue;
    if (line->primary()) return p;
    known = true;
  }
  if (known) return fail(ec::unavailable, "volume " + volume + " has no primary at the moment: try again");
  if (silent)
    return fail(ec::unavailable, "no node that answered has the volume " + volume + ", and some did not answer");
  return fail(ec::not_found, "no node has a volume " + volume);
}

caf::result<wire<pb::volume_report>> order(self_pointer self, const wire<pb::volume_order>& what) {
  reply<wire<pb::volume_report>> answer{self};
  look(self, [self, answer, what](const result<everyone>& all) {
    if (!all) return answer(all.error());
    auto to = primary_of(what->volume(), *all);
    if (!to) return answer(to.error());
    const auto& o = self->state.options;
    const auto patience = what->kind() == pb::volume_order::grow ? o.grow_timeout : o.order_timeout;
    ask(self, *to, *what, patience, [answer](outcome said) {
      if (!said) return answer(said.error());
      answer(wire<pb::volume_report>{std::move(*said)});
    });
  });
  return answer.later();
}

answered_operator::behavior_type volume_operator(self_pointer self, volume_operator_options options) {
  self->state.peers = peer_requests{options.net};
  self->state.options = std::move(options);
  self->set_default_handler(caf::drop);
  return {[self](everyone_atom) { return look_at_all(self); },
    [self](order_atom, const wire<pb::volume_order>& what) { return order(self, what); },
    [self](answer_atom, const peer_answer& a) { self->state.peers.arrived(a); },
    [self](said_atom, const desk_answer& a) {
      auto found = self->state.waiting.find(a.id);
      if (found == self->state.waiting.end()) return;
      auto then = std::move(found->second);
      self->state.waiting.erase(found);
      then(*a.said);
    }};
}

} // namespace

volume_operator_actor spawn_volume_operator(caf::actor_system& system, volume_operator_options options) {
  return spawn_counted(system, volume_operator, std::move(options));
}

} // namespace troupe
