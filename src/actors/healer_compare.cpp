// The HEALER's comparison of nodes with records: for every extent that a row names, the pieces that a node should hold and
// does not are noted in table repairs, where the walk of healer_repairs.cpp finds them; and what is below its full redundancy is
// counted, what lies on nodes that are not there included. A page of rows at a time.
#include "actors/healer.hpp"
#include "actors/healing_view.hpp"
#include "core/extent_rows.hpp"
#include "core/protection.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace troupe {
namespace {

using self_pointer = healer_actor::stateful_pointer<healer_state>;

using orders = healer_state::orders;

constexpr std::size_t compared_at_once = 32;

// An extent and the row that names it: what is missing is noted only while the row is as it was read.
struct named_extent {
  std::string key;
  std::uint64_t digest = 0;
  pb::extent extent;
};
struct page_work {
  wire<pb::list_reply> page;
  std::deque<named_extent> rest;
  std::size_t running = 0;
  std::set<std::string> low_rows; // their keys
};

void begin_walk(self_pointer self) {
  auto& s = self->state;
  s.comparing = true;
  s.compare_again = false;
  s.compare_only.clear();
  if (s.compare_order == orders::waiting) {
    s.compare_order = orders::running;
    s.compare_only = std::exchange(s.compare_only_next, {});
  }
  if (std::exchange(s.compare_all, false)) s.compare_only.clear();
  s.compare_table = 0;
  s.compare_cursor.clear();
  s.compared = s.incomplete = s.not_compared = s.low_extents = s.low_rows = 0;
  s.compare_began_with.clear();
  for (auto& [node, seen] : s.watched)
    if (!seen.away) s.compare_began_with[node] = seen.instance;
  s.compare_began = now_of(self);
  s.compare_job.begin(s.compare_began);
}

// A neighbour that comes and goes must not make it the only work of this cluster.
std::chrono::milliseconds rest(self_pointer self) {
  auto left = self->state.compare_rests_until - now_of(self);
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left), std::chrono::milliseconds{0});
}

void end_walk(self_pointer self) {
  auto& s = self->state;
  s.comparing = false;
  s.compare_job.end();
  if (s.incomplete != 0)
    spdlog::warn(
      "healer: {} of {} extents lack pieces that a node should hold: they are made anew", s.incomplete, s.compared);
  bool all = s.compare_only.empty();
  if (all) {
    if (s.low_extents != std::exchange(s.low_extents_last, s.low_extents) && s.low_extents != 0)
      spdlog::warn("healer: {} of {} extents are below their full redundancy", s.low_extents, s.compared);
    s.low_rows_last = s.low_rows;
    s.counted = true;
  }
  for (auto& [node, instance] : s.compare_began_with)
    if (auto now = s.watched.find(node); now != s.watched.end() && now->second.instance == instance)
      now->second.compared |=
        !now->second.away && !s.compare_all && s.not_compared == 0 && (all || node.name == s.compare_only);
  ++s.compare_walks;
  s.compared_before = std::exchange(s.compared, 0);
  s.incomplete_before = std::exchange(s.incomplete, 0);
  s.compare_only.clear();
  if (s.compare_order == orders::running) s.compare_order = orders::none;
  if (s.not_compared != 0) s.compare_again = true;
  auto& o = s.options;
  auto now = now_of(self);
  s.compare_rests_until =
    now + std::min(std::max<job_clock::time>(o.compare_rest, now - s.compare_began), o.compare_interval);
  auto soon = s.compare_order == orders::waiting ? std::min(order_interval, o.compare_interval) : rest(self);
  arm_compare(self, s.compare_again ? soon : o.compare_interval);
}

void next_step(self_pointer self, page_work& work) {
  auto& s = self->state;
  s.compare_cursor = work.page->last();
  if (tables_with_extents[s.compare_table] != tables::parts) s.low_rows += work.low_rows.size();
  if (!work.page->truncated()) {
    s.compare_cursor.clear();
    if (++s.compare_table == tables_with_extents.size()) return end_walk(self);
  }
  arm_compare(self, s.options.compare_pause);
}

void complain(self_pointer self, const std::string& what) { // however many extents there are
  if (self->state.compare_lines.allow(self->clock().now())) spdlog::warn("healer: {}", what);
}

// What nodes hold that are dead or down counts as lost: they may be back, but not now.
bool is_low(const healer_state& s, const pb::repair_record& found) {
  found_missing lost;
  for (auto& m : found.missing()) lost.pieces.emplace(m.stripe(), m.piece());
  if (s.view)
    for (auto& p : found.extent().placements())
      for (auto& name : p.nodes())
        if (node_id n{name}; s.view->dead.contains(n) || !s.view->map.serves(n)) lost.silent.insert(std::move(n));
  auto now = protection_of(found.extent(), lost);
  return now && !now->full();
}

void note(
  self_pointer self, const named_extent& row, const wire<pb::repair_record>& found, const std::function<void()>& done) {
  auto& s = self->state;
  ++s.incomplete;
  pb::batch batch;
  auto* same = batch.add_preconditions();
  same->set_kind(pb::precondition::equals);
  same->set_key(row.key);
  same->set_digest(row.digest);
  auto* op = batch.add_operations();
  op->set_kind(pb::operation::put);
  op->set_key(tables::repair(data_id::from_bytes(found->extent().data_id())));
  op->set_value(found->SerializeAsString());
  batch.set_now_ms(s.options.clock->now());
  self->request(s.options.metadata, s.options.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [done](const wire<pb::batch_result>&) { done(); }, [self, done](caf::error& e) { // the next walk finds it again
        complain(self, "could not note what a node lacks: " + from_caf(e).message);
        done();
      });
}

void compare_some(self_pointer self, const std::shared_ptr<page_work>& work) {
  auto& o = self->state.options;
  if (work->rest.empty() && work->running == 0) return next_step(self, *work);
  auto one_done = [self, work] {
    --work->running;
    compare_some(self, work);
  };
  while (!work->rest.empty() && work->running < compared_at_once) {
    auto row = std::move(work->rest.front());
    work->rest.pop_front();
    ++work->running;
    ++self->state.compared;
    self->state.compare_job.step(1);
    wire<pb::extent> extent{row.extent};
    self->request(o.replicator, o.request_timeout, compare_atom::value, extent)
      .then(
        [self, work, row = std::move(row), one_done](const wire<pb::repair_record>& found) {
          if (is_low(self->state, *found)) {
            ++self->state.low_extents;
            work->low_rows.insert(row.key);
          }
          if (found->missing_size() == 0) return one_done();
          note(self, row, found, one_done);
        },
        [self, one_done](caf::error& e) { // not known now
          ++self->state.not_compared;
          complain(self, "could not compare an extent with its nodes: " + from_caf(e).message);
          one_done();
        });
  }
}

// An order may be of one node alone.
bool is_wanted(const healer_state& s, const pb::extent& extent) {
  if (s.compare_only.empty()) return true;
  return std::any_of(extent.placements().begin(), extent.placements().end(),
    [&](auto& p) { return std::find(p.nodes().begin(), p.nodes().end(), s.compare_only) != p.nodes().end(); });
}

void compare_page(self_pointer self, const wire<pb::list_reply>& page) {
  auto work = std::make_shared<page_work>();
  work->page = page;
  for (const auto& entry : page->entries()) {
    auto found = extents_in(tables_with_extents[self->state.compare_table], entry.value());
    if (!found) continue; // a row that does not parse is its readers' to report
    for (auto& extent : *found)
      if (is_wanted(self->state, extent))
        work->rest.push_back({entry.key(), tables::digest_of(entry.value()), std::move(extent)});
  }
  compare_some(self, work);
}

} // namespace

void compare_now(self_pointer self, const std::string& node) {
  auto& s = self->state;
  if (s.compare_order == orders::waiting && s.compare_only_next != node)
    s.compare_only_next.clear(); // two orders for two nodes: all
  else
    s.compare_only_next = node;
  s.compare_order = orders::waiting;
  if (s.comparing)
    s.compare_again = true;
  else
    arm_compare(self, std::chrono::milliseconds{0});
}

wire<pb::heal_report> comparison_report(const healer_state& s) {
  pb::heal_report report;
  report.set_active(s.active);
  auto& c = *report.mutable_comparing();
  c.set_wanted(s.compare_order != orders::none);
  c.set_extents(s.compared);
  c.set_extents_before(s.compared_before);
  c.set_incomplete(s.comparing ? s.incomplete : s.incomplete_before);
  c.set_repaired(s.repaired);
  c.set_walks(s.compare_walks);
  return wire<pb::heal_report>{std::move(report)};
}

void arm_compare(self_pointer self, std::chrono::milliseconds delay) {
  self->state.recount_armed = false;
  self->delayed_send(self, delay, compare_atom::value, ++self->state.compare_armed);
}

void compare_soon(self_pointer self) {
  auto& s = self->state;
  s.compare_all = true;
  if (s.comparing)
    s.compare_again = true;
  else if (s.compare_order != orders::waiting) // that one comes at once, and is of all
    arm_compare(self, rest(self));
}

void recount(self_pointer self) {
  auto& s = self->state;
  bool comes = s.comparing || s.recount_armed || s.compare_all || s.compare_again || s.compare_order == orders::waiting;
  if (comes || s.low_extents_last == 0) return;
  arm_compare(self, std::min(s.options.recount_delay, s.options.compare_interval));
  s.recount_armed = true;
}

void compare_step(self_pointer self) {
  auto& s = self->state;
  if (!s.comparing) begin_walk(self);
  pb::list_request request;
  request.set_prefix(std::string(1, tables_with_extents[s.compare_table]));
  request.set_start_after(s.compare_cursor);
  request.set_limit(s.options.rows_per_step);
  self
    ->request(
      s.options.metadata, s.options.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then([self](const wire<pb::list_reply>& page) { compare_page(self, page); },
      [self](caf::error& e) {
        spdlog::warn("healer: could not list what to compare: {}", from_caf(e).message);
        arm_compare(self, self->state.options.repair_interval);
      });
}

} // namespace troupe
