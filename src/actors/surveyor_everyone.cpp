// What the SURVEYOR asks of processes, not of nodes' shards or metadata members: what runs in them, what they pretend, how
// healing goes. Its own process answers without a message.
#include "actors/reply.hpp"
#include "actors/surveyor_state.hpp"

#include <functional>

namespace troupe {
namespace {

template <class T>
using answers_member = std::map<node_id, result<T>> process_answers::*;

struct asked_process {
  node_id id;
  peer_address to;
};

// All that are on the map, this one too; without a map, this one.
std::vector<asked_process> processes_of(
  const surveyor_state& s, const std::function<bool(const cluster_node&)>& which) {
  std::vector<asked_process> all;
  if (!s.view->map) {
    all.push_back({s.view->local, {}});
    return all;
  }
  for (auto& n : s.view->map->nodes())
    if (n.state != node_state::gone && which(n)) all.push_back({n.id, {n.id.name, n.address}});
  return all;
}

struct everyone_round : round<process_answers, std::function<void(process_answers)>> {
  using round::round;
};

// Asks each; `here` answers for this process.
template <class T, class Here>
void ask(surveyor_pointer self, const reply<everyones_answers>& answer, const std::vector<asked_process>& whom,
  const peer_message& question, answers_member<T> where, const Here& here) {
  auto& s = self->state;
  auto all = std::make_shared<everyone_round>(process_answers{}, [answer](process_answers found) {
    answer(everyones_answers{std::make_shared<const process_answers>(std::move(found))});
  });
  for (auto& p : whom) {
    auto take = [all, where, id = p.id](result<T> said) {
      ((all->value).*where).insert_or_assign(id, std::move(said));
      all->one_done();
    };
    ++all->waiting;
    if (p.id == s.view->local) {
      here(take);
      continue;
    }
    if (!s.options.net) {
      take(fail(ec::unavailable, "it can not be reached"));
      continue;
    }
    s.peers.call(self, p.to, plane::control, question, s.options.timeout, [take](const result<peer_message>& said) {
      if (!said) return take(said.error());
      take(parse_head<T>(*said));
    });
  }
  all->one_done();
}

bool any(const cluster_node&) { return true; }

} // namespace

caf::result<everyones_answers> ask_everyones_status(surveyor_pointer self) {
  auto& s = self->state;
  reply<everyones_answers> answer{self};
  ask<pb::process_status>(self, answer, processes_of(s, any), to_peer(peer_method::process_status),
    &process_answers::processes, [&](const auto& take) {
      take(s.options.controls ? result<pb::process_status>{s.options.controls->status()}
                              : fail(ec::not_implemented, "this process does not count its actors"));
    });
  return answer.later();
}

caf::result<everyones_answers> order_faults(
  surveyor_pointer self, const wire<pb::fault_order>& order, const std::string& node) {
  auto& s = self->state;
  reply<everyones_answers> answer{self};
  auto carry_out = [&]() -> result<pb::fault_report> {
    if (s.options.controls) return s.options.controls->carry_out(*order);
    return fail(ec::access_denied, "faults are not enabled");
  };
  if (order->kind() == pb::fault_order::crash && node.empty()) {
    answer(fail(ec::bad_argument, "which node is to crash?"));
    return answer.later();
  }
  if (auto here = s.options.controls; !here || !here->faults) { // of the asked one's configuration
    answer(carry_out().error());
    return answer.later();
  }
  auto whom = processes_of(s, [&](const cluster_node& n) { return node.empty() || n.id.name == node; });
  if (node == s.view->local.name && whom.empty()) whom.push_back({s.view->local, {}}); // not on the map yet
  if (whom.empty()) {
    answer(fail(ec::not_found, "there is no node '" + node + "' in the cluster"));
    return answer.later();
  }
  // This one first: what it pretends may keep the others from being asked.
  auto here = carry_out;
  std::optional<result<pb::fault_report>> done;
  for (auto& p : whom)
    if (p.id == s.view->local) done = here();
  ask<pb::fault_report>(self, answer, whom, to_peer(peer_method::process_fault, *order), &process_answers::faults,
    [&](const auto& take) { take(*done); });
  return answer.later();
}

caf::result<wire<pb::heal_report>> order_healing(surveyor_pointer self, const wire<pb::heal_order>& order) {
  auto& s = self->state;
  reply<wire<pb::heal_report>> answer{self};
  if (!s.healer) {
    answer(fail(ec::unavailable, "this process does not heal yet"));
    return answer.later();
  }
  self->request(s.healer, s.options.timeout, heal_atom::value, order)
    .then(
      [self, answer, order](const wire<pb::heal_report>& compared) {
        auto& now = self->state;
        self->request(now.mover, now.options.timeout, heal_atom::value, order)
          .then(
            [answer, compared](const wire<pb::heal_report>& moved) {
              auto both = *moved;
              *both.mutable_comparing() = compared->comparing();
              answer(wire<pb::heal_report>{std::move(both)});
            },
            [answer](const caf::error& e) { answer(from_caf(e)); });
      },
      [answer](const caf::error& e) { answer(from_caf(e)); });
  return answer.later();
}

caf::result<everyones_answers> order_healing_everywhere(surveyor_pointer self, const wire<pb::heal_order>& order) {
  auto& s = self->state;
  reply<everyones_answers> answer{self};
  auto whom = processes_of(s, [](const cluster_node& n) { return n.roles.coordinator; });
  ask<pb::heal_report>(
    self, answer, whom, to_peer(peer_method::process_heal, *order), &process_answers::healing, [&](const auto& take) {
      self->request(caf::actor_cast<surveyor_actor>(self->ctrl()), s.options.timeout, heal_atom::value, order)
        .then([take](const wire<pb::heal_report>& r) { take(*r); }, [take](const caf::error& e) { take(from_caf(e)); });
    });
  return answer.later();
}

} // namespace troupe
