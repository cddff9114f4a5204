#include "actors/mover.hpp"

#include "core/extent_rows.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

job_clock::time now_of(mover_pointer self) {
  return std::chrono::duration_cast<job_clock::time>(self->clock().now().time_since_epoch());
}

// A node that is down gets some time to come back.
bool lost_for_long(const mover_state& s, const cluster_node& n) {
  if (n.state != node_state::down) return false;
  return s.hurried || s.options.clock->now() - n.since_ms >= s.options.delay.count();
}

bool must_leave(const mover_state& s, const cluster_node& n) {
  return n.roles.storage && (n.state == node_state::draining || n.state == node_state::gone || lost_for_long(s, n));
}

// Whether another walk may find something that the last one did not.
bool differs(const healing_view& a, const healing_view& b) {
  return a.map.epoch() != b.map.epoch() || a.reachable != b.reachable || a.active != b.active;
}

// When the next node's delay is over.
std::chrono::milliseconds until_lost(const mover_state& s) {
  auto soonest = s.options.idle_interval;
  for (auto& n : s.view->map.nodes()) {
    if (n.state != node_state::down || lost_for_long(s, n)) continue;
    std::chrono::milliseconds left{n.since_ms + s.options.delay.count() - s.options.clock->now()};
    soonest = std::clamp(left, s.options.interval, soonest);
  }
  return soonest;
}

// A node that was called down a moment ago keeps its pieces, and gets none: as one that is up and can not be reached.
std::shared_ptr<const healing_view> patient_view(const mover_state& s) {
  std::vector<cluster_node> awaited;
  for (auto n : s.view->map.nodes())
    if (n.state == node_state::down && !lost_for_long(s, n)) {
      n.state = node_state::up;
      awaited.push_back(std::move(n));
    }
  if (awaited.empty()) return s.view;
  auto map = s.view->map.next(awaited);
  if (!map) return s.view;
  auto view = std::make_shared<healing_view>(std::move(*map));
  view->reachable = s.view->reachable;
  view->active = s.view->active;
  return view;
}

void arm(mover_pointer self, std::chrono::milliseconds delay) {
  self->delayed_send(self, delay, tick_atom::value, ++self->state.armed);
}

void begin_walk(mover_pointer self) {
  auto& s = self->state;
  s.walking = true;
  s.hurried = s.rebalancing;
  s.whole = false;
  s.table = 0;
  s.cursor.clear();
  s.more = true;
  s.page.clear();
  s.named.clear();
  s.found_something = false;
  s.complete = true;
  s.began_with = patient_view(s);
  s.walked = s.view;
  auto& nodes = s.view->map.nodes();
  bool leaving = std::any_of(nodes.begin(), nodes.end(), [&](auto& n) { return must_leave(s, n); });
  s.goal = leaving ? relocation_goal::protect : relocation_goal::balance;
  s.job.begin(now_of(self));
  s.told.set_goal(leaving ? "protect" : "balance");
  s.told.set_extents_seen(0);
  s.told.set_stuck(0);
  s.told.set_under_protected(0);
}

void note_emptied(mover_pointer self, const cluster_node& node) {
  auto& o = self->state.options;
  pb::batch batch;
  auto& put = *batch.add_operations();
  put.set_kind(pb::operation::put);
  put.set_key(emptied_row(node.id));
  put.set_value(emptied_value(node));
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([](const wire<pb::batch_result>&) {},
      [self](caf::error& e) { complain(self, "could not note that a node is empty: " + from_caf(e).message); });
}

void end_walk(mover_pointer self) {
  auto& s = self->state;
  s.walking = false;
  s.job.end();
  s.told.set_walks(s.told.walks() + 1);
  s.told.clear_goal();
  s.extents_before = s.told.extents_seen();
  s.whole = true;
  if (auto n = s.told.under_protected(); n != std::exchange(s.warned_of, n) && n != 0)
    spdlog::warn(
      "mover: {} extents have lost pieces and can not get them back now: more nodes are needed, or these back",
      s.told.under_protected());
  if (s.complete)
    for (auto& node : s.began_with->map.nodes())
      if (node.state == node_state::draining && !s.named.contains(node.id)) note_emptied(self, node);
  remove_vacated(self);
}

void read_page(mover_pointer self) {
  auto& s = self->state;
  pb::list_request request;
  request.set_prefix(std::string(1, tables_with_extents[s.table]));
  request.set_start_after(s.cursor);
  request.set_limit(s.options.rows_per_page);
  self
    ->request(
      s.options.metadata, s.options.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self](const wire<pb::list_reply>& page) {
        auto& st = self->state;
        st.more = page->truncated();
        st.cursor = page->last();
        auto table = tables_with_extents[st.table];
        for (const auto& entry : page->entries()) {
          auto value = std::make_shared<std::string>(entry.value());
          auto extents = extents_in(table, *value);
          if (!extents) {
            st.complete = false;
            complain(self, extents.error().message);
            continue;
          }
          for (auto& extent : *extents) st.page.push_back({table, entry.key(), value, std::move(extent)});
        }
        walk_on(self);
      },
      [self](caf::error& e) {
        complain(self, "could not list what there is: " + from_caf(e).message);
        self->state.walking = false;
        self->state.job.give_up();
        end_round(self);
      });
}

} // namespace

void complain(mover_pointer self, const std::string& what) {
  if (self->state.lines.allow(self->clock().now())) spdlog::warn("mover: {}", what);
}

std::string emptied_row(const node_id& node) { return tables::system_row("emptied:" + node.name); }
std::string emptied_value(const cluster_node& node) { return std::to_string(node.since_ms); }

void walk_on(mover_pointer self) {
  auto& s = self->state;
  if (!s.view->active) {
    s.walking = false;
    s.job.give_up();
    return end_round(self);
  }
  while (!s.page.empty()) {
    auto next = std::move(s.page.front());
    s.page.pop_front();
    s.told.set_extents_seen(s.told.extents_seen() + 1);
    s.job.step(1);
    if (wants_move(self, next)) return move_extent(self, std::move(next));
  }
  if (!s.more) {
    s.cursor.clear();
    s.more = true;
    if (++s.table == tables_with_extents.size()) return end_walk(self);
  }
  read_page(self);
}

void end_round(mover_pointer self) {
  auto& s = self->state;
  // What was vacated lately counts as found: until it is removed it bars its nodes, and pieces may wait for them.
  if (std::exchange(s.hurried, false) && s.whole && s.complete && !s.found_something) s.rebalancing = false;
  auto busy = s.rebalancing || s.found_something || s.goal == relocation_goal::protect || differs(*s.walked, *s.view);
  arm(self, busy ? s.options.interval : std::min(s.options.idle_interval, until_lost(s)));
}

void rebalance_now(mover_pointer self) {
  auto& s = self->state;
  s.rebalancing = true;
  if (!s.walking) arm(self, std::chrono::milliseconds{0});
}

wire<pb::heal_report> movement_report(const mover_state& s) {
  pb::heal_report report;
  report.set_active(s.view && s.view->active);
  *report.mutable_mover() = s.told;
  report.set_rebalancing(s.rebalancing);
  report.set_walk_extents_before(s.extents_before);
  return wire<pb::heal_report>{std::move(report)};
}

mover_actor::behavior_type mover(mover_pointer self, mover_options options) {
  self->state.options = std::move(options);
  self->set_default_handler(caf::drop);
  arm(self, self->state.options.interval);
  return {
    [self](tick_atom, std::uint64_t number) {
      auto& s = self->state;
      if (number != s.armed || s.walking) return;
      if (!s.view || !s.view->active) return arm(self, s.options.interval);
      begin_walk(self);
      read_page(self);
    },
    [self](next_atom) { walk_on(self); },
    [self](view_atom, const new_healing_view& v) {
      auto& s = self->state;
      bool changed = !s.view || differs(*s.view, *v.view);
      s.view = v.view;
      s.told.set_active(v.view->active);
      if (changed && !s.walking) arm(self, s.options.interval); // not only after idle_interval
    },
    [self](status_atom) {
      auto& s = self->state;
      *s.told.mutable_job() = s.job.message("move", now_of(self));
      return wire<pb::healing_status>{s.told};
    },
    [self](heal_atom, const wire<pb::heal_order>& order) {
      auto& s = self->state;
      if (order->kind() == pb::heal_order::rebalance && s.view && s.view->active) rebalance_now(self);
      return movement_report(s);
    },
  };
}

} // namespace troupe
