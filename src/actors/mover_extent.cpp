// The MOVER's work on one extent: what has been vacated before is looked up, the move planned, the pieces copied or made
// anew, the row changed. Whoever overwrote or deleted the row meanwhile wins; then the new pieces are removed again.
#include "actors/mover.hpp"

#include "core/directory_layout.hpp"
#include "core/extent_rows.hpp"
#include "core/protection.hpp"
#include "core/read_pins.hpp"
#include "core/stripe_rebuild.hpp"
#include "core/tables.hpp"
#include "core/vacated.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

// An extent on its way.
struct move {
  row_extent what;
  data_id id;
  relocation plan;
  std::uint64_t bytes = 0;
  std::optional<std::string> vacated_row, repair_row; // as they were read
};
using move_ptr = std::shared_ptr<move>;

void next(mover_pointer self) { self->send(self, next_atom::value); }

std::chrono::milliseconds time_for(const mover_options& o, std::uint64_t bytes) {
  if (!o.rate) return o.move_timeout;
  return o.move_timeout +
    healing_rate_sharers * std::chrono::duration_cast<std::chrono::milliseconds>(o.rate->time_of(bytes));
}

relocation_view view_of(const mover_state& s) {
  return {.map = s.began_with->map, .places = s.began_with->places, .reachable = [now = s.view](const node_id& n) {
            return now->reachable.contains(n);
          }};
}

void note_named(mover_state& s, const pb::extent& extent) {
  for (auto& p : extent.placements())
    for (auto& name : p.nodes())
      if (auto* node = s.began_with->map.find(node_id{name}); node != nullptr && node->state == node_state::draining)
        s.named.insert(node->id);
}

void gave_up(mover_pointer self, const move_ptr& m, const std::string& why) {
  auto& s = self->state;
  s.complete = false;
  note_named(s, m->what.extent);
  complain(self, "could not move an extent: " + why);
  next(self);
}

pb::operation& put_row(pb::batch& batch, std::string key, std::string value) {
  auto& op = *batch.add_operations();
  op.set_kind(pb::operation::put);
  op.set_key(std::move(key));
  op.set_value(std::move(value));
  return op;
}

// The row is still as it was read.
void expect_row(pb::batch& batch, const std::string& key, const std::optional<std::string>& value) {
  auto& p = *batch.add_preconditions();
  p.set_key(key);
  p.set_kind(value ? pb::precondition::equals : pb::precondition::not_exists);
  if (value) p.set_digest(tables::digest_of(*value));
}

// Nodes that hold pieces which no record will name.
void add_vacated(pb::batch& batch, const move& m, const std::vector<node_id>& nodes, unix_ms now) {
  if (nodes.empty()) return;
  pb::vacated_record row;
  if (m.vacated_row && !row.ParseFromString(*m.vacated_row)) row.Clear();
  for (auto& n : nodes)
    if (std::find(row.nodes().begin(), row.nodes().end(), n.name) == row.nodes().end()) row.add_nodes(n.name);
  row.set_since_ms(now);
  expect_row(batch, tables::vacated_row(m.id), m.vacated_row);
  put_row(batch, tables::vacated_row(m.id), row.SerializeAsString());
}

// Whether the row, as it is now, names the node for this content.
bool names(const move& m, const std::optional<std::string>& row, const node_id& node) {
  if (!row) return false;
  auto extents = extents_in(m.what.table, *row);
  if (!extents) return true; // not known: nothing is taken back
  for (auto& e : *extents)
    for (auto& p : e.placements())
      if (e.data_id() == m.what.extent.data_id() &&
        std::find(p.nodes().begin(), p.nodes().end(), node.name) != p.nodes().end())
        return true;
  return false;
}

// A key of the directory lives on in another row after a resize, which may name the nodes by now. What nothing names
// is found by the sweeper.
bool may_have_another_row(const move& m) {
  return m.what.table == tables::objects && m.what.key.starts_with(tables::object(directory_bucket, {}));
}

void take_back_from(mover_pointer self, const move_ptr& m, const std::optional<std::string>& row) {
  if (!row && may_have_another_row(*m)) return next(self);
  auto& o = self->state.options;
  std::vector<node_id> unnamed;
  for (auto& mv : m->plan.moves)
    if (!names(*m, row, mv.to) && !names(*m, *m->what.value, mv.to)) unnamed.push_back(mv.to);
  pb::batch batch;
  add_vacated(batch, *m, unnamed, o.clock->now());
  if (batch.operations_size() == 0) return next(self);
  expect_row(batch, m->what.key, row); // else it may name them by now
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([self, m](const wire<pb::batch_result>&) { next(self); },
      [self, m](caf::error& e) { gave_up(self, m, from_caf(e).message); });
}

// The row has changed under the move: overwritten, deleted, or moved by another process, perhaps to the same nodes. Only
// what the row does not name now is taken back.
void take_back(mover_pointer self, const move_ptr& m) {
  auto& o = self->state.options;
  pb::read_request request;
  request.add_keys(m->what.key);
  request.add_keys(tables::vacated_row(m->id));
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self, m](const wire<pb::read_reply>& reply) {
        std::optional<std::string> row;
        m->vacated_row.reset();
        for (auto& found : reply->rows()) (found.key() == m->what.key ? row : m->vacated_row) = found.value();
        take_back_from(self, m, row);
      },
      [self, m](caf::error& e) { gave_up(self, m, from_caf(e).message); });
}

void commit(mover_pointer self, const move_ptr& m) {
  auto& s = self->state;
  auto now = s.options.clock->now();
  auto value = with_extent(m->what.table, *m->what.value, m->plan.extent);
  auto left = vacated_by(m->what.extent, m->plan.extent);
  if (!value || !left) return gave_up(self, m, (value ? left.error() : value.error()).message);
  pb::batch batch;
  expect_row(batch, m->what.key, *m->what.value);
  put_row(batch, m->what.key, *value);
  std::vector<node_id> removable;
  for (auto& v : left->removable) removable.push_back(v.node);
  add_vacated(batch, *m, removable, now);
  // Which nodes were barred when this was planned: the sweeper may have noted one that this move gives pieces to.
  if (removable.empty()) expect_row(batch, tables::vacated_row(m->id), m->vacated_row);
  if (m->repair_row) {
    pb::repair_record record;
    auto rest = record.ParseFromString(*m->repair_row) ? repair_after(record, m->plan.extent)
                                                       : result<std::optional<pb::repair_record>>{std::nullopt};
    auto key = tables::repair(m->id);
    expect_row(batch, key, m->repair_row);
    if (rest && *rest) {
      put_row(batch, key, (*rest)->SerializeAsString());
    } else {
      auto& op = *batch.add_operations();
      op.set_kind(pb::operation::erase);
      op.set_key(key);
    }
  }
  batch.set_now_ms(now);
  self->request(s.options.metadata, s.options.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, m, value = std::move(*value)](const wire<pb::batch_result>& done) {
        auto& st = self->state;
        if (!done->applied()) return take_back(self, m);
        *m->what.value = value; // what the row's other extents go on from
        st.told.set_extents_moved(st.told.extents_moved() + 1);
        st.told.set_bytes_moved(st.told.bytes_moved() + m->bytes);
        st.job.step(0, m->bytes);
        note_named(st, m->plan.extent);
        next(self);
      },
      [self, m](caf::error& e) { // perhaps it was made: the next walk sees
        gave_up(self, m, "the commit: " + from_caf(e).message);
      });
}

void copy(mover_pointer self, const move_ptr& m) {
  auto& o = self->state.options;
  pb::repair_record work;
  *work.mutable_extent() = m->plan.extent;
  *work.mutable_before() = m->what.extent;
  for (auto& mv : m->plan.moves) {
    m->bytes += mv.bytes;
    for (auto stripe = mv.first_stripe; stripe < mv.end_stripe; ++stripe) {
      auto& piece = *work.add_missing();
      piece.set_stripe(stripe);
      piece.set_piece(mv.piece);
      piece.set_node(mv.to.name);
    }
  }
  if (work.missing_size() == 0) return commit(self, m);
  self->request(o.replicator, time_for(o, m->bytes), repair_atom::value, wire<pb::repair_record>{std::move(work)})
    .then([self, m] { commit(self, m); }, [self, m](caf::error& e) { gave_up(self, m, from_caf(e).message); });
}

void plan(mover_pointer self, const move_ptr& m) {
  auto& s = self->state;
  auto view = view_of(s);
  if (m->vacated_row) {
    pb::vacated_record row;
    if (row.ParseFromString(*m->vacated_row))
      for (auto& n : row.nodes()) view.barred.push_back(node_id{n});
  }
  auto planned = relocate(m->what.extent, s.goal, view);
  if (!planned) return gave_up(self, m, planned.error().message);
  m->plan = std::move(*planned);
  if (!m->plan.stuck.empty()) {
    s.told.set_stuck(s.told.stuck() + 1);
    if (std::any_of(m->plan.stuck.begin(), m->plan.stuck.end(), [](auto& p) { return p.lost; }))
      s.told.set_under_protected(s.told.under_protected() + 1);
  }
  if (!m->plan.changed) {
    note_named(s, m->what.extent);
    return next(self);
  }
  s.found_something = true;
  copy(self, m);
}

} // namespace

bool wants_move(mover_pointer self, const row_extent& what) {
  auto& s = self->state;
  auto wanted = relocate(what.extent, s.goal, view_of(s));
  if (!wanted || wanted->changed || !wanted->stuck.empty()) return true;
  note_named(s, what.extent);
  return false;
}

void move_extent(mover_pointer self, row_extent what) {
  auto& s = self->state;
  auto m = std::make_shared<move>();
  m->what = std::move(what);
  m->id = data_id::from_bytes(m->what.extent.data_id());
  pb::read_request request;
  request.add_keys(tables::vacated_row(m->id));
  request.add_keys(tables::repair(m->id));
  self
    ->request(
      s.options.metadata, s.options.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self, m](const wire<pb::read_reply>& reply) {
        for (auto& row : reply->rows())
          (row.key().front() == tables::vacated ? m->vacated_row : m->repair_row) = row.value();
        plan(self, m);
      },
      [self, m](caf::error& e) { gave_up(self, m, from_caf(e).message); });
}

} // namespace troupe
