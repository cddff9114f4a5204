// The HEALER's look at the nodes, every few seconds: who returned, restarted or found damage is compared with the records
// at once; and its report: what the healing of this cluster is at, as one row that every console can read.
#include "actors/healer.hpp"

#include "actors/cluster_view.hpp"
#include "actors/healing_view.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

namespace troupe {
namespace {

using self_pointer = healer_actor::stateful_pointer<healer_state>;

// One look: what was asked of whom, and is still awaited.
struct look {
  std::size_t waiting = 1; // held until all requests are out
  pb::healing_status moves;
  pb::sweep_status sweeps;
};
using look_ptr = std::shared_ptr<look>;

void next_look(self_pointer self) { self->delayed_send(self, self->state.options.watch_interval, next_atom::value); }

pb::healing_report report_of(self_pointer self, const look& l) {
  auto& s = self->state;
  auto now = now_of(self);
  pb::healing_report r;
  r.set_node(s.options.self);
  if (s.options.mover) *r.add_jobs() = l.moves.job();
  *r.add_jobs() = s.repair_job.message("repair", now);
  *r.add_jobs() = s.compare_job.message("compare", now);
  if (s.options.sweeper) *r.add_jobs() = l.sweeps.job();
  r.set_goal(l.moves.goal());
  r.set_stuck(l.moves.stuck());
  r.set_counted(s.counted);
  r.set_under_protected_extents(s.counted ? s.low_extents_last : s.low_extents);
  r.set_under_protected_objects(s.counted ? s.low_rows_last : s.low_rows);
  for (auto& [node, seen] : s.watched)
    if (!seen.away && !seen.compared) r.add_comparing(node.name);
  r.set_suspects(l.sweeps.suspects());
  r.set_orphans_removed(l.sweeps.removed());
  r.set_repaired(s.repaired);
  r.set_repaired_bytes(s.repaired_bytes);
  r.set_moved(l.moves.extents_moved());
  r.set_moved_bytes(l.moves.bytes_moved());
  r.set_reclaimed(s.reclaimed);
  return r;
}

void write_report(self_pointer self, const look& l) {
  auto& s = self->state;
  auto report = report_of(self, l);
  auto said = report.SerializeAsString();
  if (said == s.told || !s.active) return next_look(self);
  report.set_at_ms(s.options.clock->now());
  pb::batch batch;
  auto& put = *batch.add_operations();
  put.set_kind(pb::operation::put);
  put.set_key(tables::system_row("healing"));
  put.set_value(report.SerializeAsString());
  batch.set_now_ms(report.at_ms());
  self->request(s.options.metadata, s.options.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, said](const wire<pb::batch_result>&) {
        self->state.told = said;
        next_look(self);
      },
      [self](caf::error&) { next_look(self); }); // those that do the work say what is wrong
}

void one_answered(self_pointer self, const look_ptr& l) {
  if (--l->waiting != 0) return;
  auto& s = self->state;
  // What was below its redundancy may not be any more.
  bool rested = !l->moves.job().running();
  if (rested && std::exchange(s.moved_seen, l->moves.extents_moved()) != l->moves.extents_moved()) recount(self);
  write_report(self, *l);
}

void saw(self_pointer self, const node_id& node, const pb::shard_status& status) {
  auto& seen = self->state.watched[node];
  bool returned = seen.away || seen.instance != status.instance();
  bool damaged = status.damaged_pieces() > seen.damaged;
  if (returned) seen.compared = false;
  seen.away = false;
  seen.instance = status.instance();
  seen.damaged = status.damaged_pieces();
  if (returned || damaged) compare_soon(self);
}

// What the map and gossip say changes what is protected.
void look_at_map(self_pointer self) {
  auto& s = self->state;
  if (!s.view) return;
  std::string serving;
  for (auto& n : s.view->map.nodes())
    if (s.view->map.serves(n.id) && !s.view->dead.contains(n.id)) serving += n.id.name + ' ';
  if (std::exchange(s.map_seen, serving) != serving) compare_soon(self);
}

void ask_nodes(self_pointer self, const look_ptr& l, const cluster_view& nodes) {
  auto& s = self->state;
  std::erase_if(s.watched, [&](auto& w) {
    return std::none_of(nodes.nodes.begin(), nodes.nodes.end(), [&](auto& n) { return n.id == w.first; });
  });
  for (auto& n : nodes.nodes) {
    if (!n.shard) {
      s.watched[n.id].away = true;
      continue;
    }
    ++l->waiting;
    self->request(n.shard, s.options.request_timeout, status_atom::value)
      .then(
        [self, l, node = n.id](const wire<pb::shard_status>& status) {
          saw(self, node, *status);
          one_answered(self, l);
        },
        [self, l, node = n.id](caf::error&) {
          self->state.watched[node].away = true;
          one_answered(self, l);
        });
  }
}

} // namespace

void watch(self_pointer self) {
  auto& s = self->state;
  auto l = std::make_shared<look>();
  look_at_map(self);
  if (s.options.mover) {
    ++l->waiting;
    self->request(s.options.mover, s.options.request_timeout, status_atom::value)
      .then(
        [self, l](const wire<pb::healing_status>& status) {
          l->moves = *status;
          one_answered(self, l);
        },
        [self, l](caf::error&) { one_answered(self, l); });
  }
  if (s.options.sweeper) {
    ++l->waiting;
    self->request(s.options.sweeper, s.options.request_timeout, status_atom::value)
      .then(
        [self, l](const wire<pb::sweep_status>& status) {
          l->sweeps = *status;
          one_answered(self, l);
        },
        [self, l](caf::error&) { one_answered(self, l); });
  }
  self->request(s.options.replicator, s.options.request_timeout, shards_atom::value)
    .then(
      [self, l](const new_view& v) {
        ask_nodes(self, l, *v.view);
        one_answered(self, l);
      },
      [self, l](caf::error&) { one_answered(self, l); });
}

} // namespace troupe
