#include "actors/sweeper.hpp"

#include "actors/cluster_view.hpp"
#include "actors/healing_view.hpp"
#include "core/extent_rows.hpp"
#include "core/garbage.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace troupe {
namespace {

void next_table_or_list(sweeper_pointer self, bool more);

// Nothing that was found counts: another time.
void give_up(sweeper_pointer self, const std::string& why) {
  auto& s = self->state;
  complain(self, why + ": nothing is judged by this pass");
  s.job.give_up();
  end_pass(self);
}

std::vector<node_id> nodes_of(const pb::extent& extent) {
  std::vector<node_id> nodes;
  for (auto& p : extent.placements())
    for (auto& name : p.nodes())
      if (std::none_of(nodes.begin(), nodes.end(), [&](auto& n) { return n.name == name; })) nodes.push_back({name});
  return nodes;
}

// ---- the walk ------------------------------------------------------------------------------------------------------

result<> take_garbage(orphan_hunt& hunt, const std::string& value) {
  pb::garbage_record row;
  if (!row.ParseFromString(value)) return fail(ec::corrupt, "a garbage row does not parse");
  auto found = reclaimable_of(row); // the parts of a manifest are in its row, which stays as long as this one
  if (!found) return found.error();
  for (auto& e : found->extents) hunt.spares(data_id::from_bytes(e.data_id()));
  return {};
}

result<> take_row(sweeper_pointer self, char table, const std::string& key, const std::string& value) {
  auto& s = self->state;
  auto& hunt = *s.hunt;
  if (table == tables::garbage) return take_garbage(hunt, value);
  if (table == tables::repairs || table == tables::vacated) {
    auto raw = std::string_view{key}.substr(1);
    if (raw.size() != data_id{}.raw.size()) return fail(ec::corrupt, "a row's key is no data id");
    auto id = data_id::from_bytes(raw);
    if (table == tables::repairs) {
      hunt.spares(id);
      return {};
    }
    pb::vacated_record row;
    if (!row.ParseFromString(value)) return fail(ec::corrupt, "a row of table vacated does not parse");
    for (auto& n : row.nodes()) hunt.spares(id, node_id{n});
    return {};
  }
  auto extents = extents_in(table, value);
  if (!extents) return extents.error();
  for (auto& e : *extents)
    hunt.names(data_id::from_bytes(e.data_id()), nodes_of(e), {.key = key, .digest = tables::digest_of(value)});
  s.job.step(extents->size());
  return {};
}

void read_page(sweeper_pointer self) {
  auto& s = self->state;
  pb::list_request request;
  request.set_prefix(std::string(1, orphan_hunt::tables_in_order[s.table]));
  request.set_start_after(s.cursor);
  request.set_limit(s.options.rows_per_page);
  self
    ->request(
      s.options.metadata, s.options.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self](const wire<pb::list_reply>& page) {
        auto& st = self->state;
        st.cursor = page->last();
        for (const auto& entry : page->entries())
          if (auto ok = take_row(self, orphan_hunt::tables_in_order[st.table], entry.key(), entry.value()); !ok)
            return give_up(self, ok.error().message);
        next_table_or_list(self, page->truncated());
      },
      [self](caf::error& e) { give_up(self, "could not list what there is: " + from_caf(e).message); });
}

// ---- the lists -----------------------------------------------------------------------------------------------------

void list_node(sweeper_pointer self);

// Of what was listed nothing began in a later era than the one that is read now.
void judge(sweeper_pointer self) {
  read_era(self, [self](const result<>& known) {
    if (!known) return give_up(self, "the era of uploads is not known: " + known.error().message);
    auto& s = self->state;
    s.verdict = s.hunt->judge(now_of(self));
    s.told.set_suspects(s.hunt->suspects());
    s.condemned_now = 0;
    s.job.end();
    carry_out(self);
  });
}

void next_node(sweeper_pointer self) {
  ++self->state.node;
  self->state.listed_to.clear();
  list_node(self);
}

void list_node(sweeper_pointer self) {
  auto& s = self->state;
  if (s.node >= s.nodes->nodes.size()) return judge(self);
  auto& node = s.nodes->nodes[s.node];
  if (!node.shard) return next_node(self);
  pb::held_request request;
  request.set_after(s.listed_to);
  request.set_limit(s.options.ids_per_page);
  self->request(node.shard, s.options.request_timeout, list_atom::value, wire<pb::held_request>{std::move(request)})
    .then(
      [self, id = node.id](const wire<pb::held_page>& page) {
        auto& st = self->state;
        for (auto& raw : page->ids()) {
          if (raw.size() != data_id{}.raw.size() || raw <= st.listed_to) { // a peer's word: it must go forward
            complain(self, "node " + id.name + " lists what is no data id, or out of order");
            return next_node(self);
          }
          st.hunt->holds(id, data_id::from_bytes(raw), now_of(self));
          st.listed_to = raw;
        }
        if (!page->more() || page->ids_size() == 0) {
          st.hunt->listed(id);
          return next_node(self);
        }
        self->delayed_send(self, st.options.pause, tick_atom::value);
      },
      [self, id = node.id](caf::error& e) { // what it holds is not known: it keeps its suspects
        complain(self, "node " + id.name + " does not say what it holds: " + from_caf(e).message);
        next_node(self);
      });
}

void next_table_or_list(sweeper_pointer self, bool more) {
  auto& s = self->state;
  if (!more) {
    s.cursor.clear();
    ++s.table;
  }
  if (s.table == orphan_hunt::tables_in_order.size()) {
    s.hunt->begin_listing();
    for (auto& node : s.nodes->gone) s.hunt->gone(node);
  }
  self->delayed_send(self, s.options.pause, tick_atom::value);
}

void begin_pass(sweeper_pointer self) {
  auto& s = self->state;
  s.at_work = true;
  self->request(s.options.replicator, s.options.request_timeout, shards_atom::value)
    .then(
      [self](const new_view& v) {
        auto& st = self->state;
        st.nodes = v.view;
        st.table = st.node = 0;
        st.cursor.clear();
        st.listed_to.clear();
        st.hunt->begin_walk(++st.passes);
        st.job.begin(now_of(self));
        read_page(self);
      },
      [self](caf::error& e) { give_up(self, "the nodes are not known: " + from_caf(e).message); });
}

} // namespace

void complain(sweeper_pointer self, const std::string& what) {
  if (self->state.lines.allow(self->clock().now())) spdlog::warn("sweeper: {}", what);
}

orphan_hunt::time now_of(sweeper_pointer self) {
  return std::chrono::duration_cast<orphan_hunt::time>(self->clock().now().time_since_epoch());
}

void end_pass(sweeper_pointer self) {
  auto& s = self->state;
  s.at_work = false;
  s.reclaiming = false;
  s.nodes = nullptr;
  s.verdict = {};
  s.told.set_condemned(s.hunt->condemned());
  s.told.set_suspects(s.hunt->suspects());
  auto pause = s.condemned_now != 0 ? std::min(s.options.sure_pause, s.options.interval) : s.options.interval;
  s.condemned_now = 0;
  self->delayed_send(self, pause, tick_atom::value);
}

sweeper_actor::behavior_type sweeper(sweeper_pointer self, sweeper_options options) {
  auto& s = self->state;
  s.options = std::move(options);
  s.active = !s.options.clustered;
  s.hunt.emplace(orphan_hunt::options{.grace = s.options.grace});
  self->set_default_handler(caf::drop);
  self->delayed_send(self, std::min(s.options.delay, s.options.interval), tick_atom::value);
  if (s.options.era) // nobody else tells it; until then what is large may be refused with "send it again"
    read_era(self, [self](const result<>& known) {
      if (!known) complain(self, "the era of uploads is not known: " + known.error().message);
    });
  return {
    [self](tick_atom) { // one is always on its way, but while an answer is awaited
      auto& st = self->state;
      if (st.at_work && !st.active) return give_up(self, "another process heals now");
      if (!st.active) {
        self->delayed_send(self, std::min(st.options.delay, st.options.interval), tick_atom::value);
        return;
      }
      if (!st.at_work) return begin_pass(self);
      if (st.reclaiming) return reclaim_condemned(self);
      if (st.table < orphan_hunt::tables_in_order.size()) return read_page(self);
      list_node(self);
    },
    [self](view_atom, const new_healing_view& v) { self->state.active = v.view->active; },
    [self](status_atom) {
      auto& st = self->state;
      *st.told.mutable_job() = st.job.message("sweep", now_of(self));
      return wire<pb::sweep_status>{st.told};
    },
  };
}

} // namespace troupe
