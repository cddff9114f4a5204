// The HEALER's walk of table repairs. A row says which pieces of an extent a node did not take when it was written; it
// goes once they are there. What has been deleted meanwhile has no row any more: then the new pieces are removed again.
#include "actors/healer.hpp"
#include "actors/healing_view.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_rebuild.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace troupe {
namespace {

using self_pointer = healer_actor::stateful_pointer<healer_state>;

struct repair_row {
  std::string key;
  std::uint64_t digest = 0; // of its value
  pb::repair_record record;
};
// A page of the walk: each of its extents is repaired once, up to repairs_at_once of them side by side. The next page is read
// when all have ended, so that no extent is under way twice.
struct repairs {
  std::deque<repair_row> rows; // still to begin
  std::size_t under_way = 0;
  bool more = false;   // rows follow this page
  bool failed = false; // the metadata group does not take what is done: the walk ends
};

void next_walk(self_pointer self, bool more) {
  if (more) {
    self->send(self, repair_atom::value);
    return;
  }
  self->state.repair_cursor.clear();
  self->state.repair_job.end();
  auto pause = self->state.options.repair_interval;
  if (auto n = std::exchange(self->state.repaired_in_walk, 0); n != 0) {
    spdlog::info("healer: {} extents have all their pieces again", n);
    recount(self);                           // how many still have not
    pause = std::min(pause, order_interval); // a comparison may note more, faster than they are repaired
  }
  self->delayed_send(self, pause, repair_atom::value);
}

void repair_some(self_pointer self, const std::shared_ptr<repairs>& r);

void complain(self_pointer self, const std::string& what) {
  if (self->state.repair_lines.allow(self->clock().now())) spdlog::warn("healer: {}", what);
}

void one_ended(self_pointer self, const std::shared_ptr<repairs>& r, const pb::extent& extent) {
  self->state.repairing.erase(extent.data_id());
  --r->under_way;
  repair_some(self, r);
}

void erase_row(self_pointer self, const std::shared_ptr<repairs>& r, const repair_row& row, const pb::extent& extent) {
  pb::batch batch;
  auto* same = batch.add_preconditions();
  same->set_kind(pb::precondition::equals);
  same->set_key(row.key);
  same->set_digest(row.digest);
  auto* op = batch.add_operations();
  op->set_kind(pb::operation::erase);
  op->set_key(row.key);
  auto& o = self->state.options;
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, r, extent](const wire<pb::batch_result>& done) {
        auto& s = self->state;
        if (done->applied()) {
          ++s.repaired;
          ++s.repaired_in_walk;
        } else if (s.repairing[extent.data_id()]) {
          caf::anon_send(s.options.replicator, remove_atom::value, wire<pb::extent>{extent});
        }
        one_ended(self, r, extent);
      },
      [self, r, extent](caf::error& e) { // the row is still there, and repairing again does no harm
        complain(self, "could not erase a repair row: " + from_caf(e).message);
        r->failed = true;
        one_ended(self, r, extent);
      });
}

std::uint64_t bytes_missing(const pb::repair_record& record) {
  auto map = map_of(record.extent());
  if (!map) return 0;
  auto pieces = map->layout().geometry().k + map->layout().geometry().m;
  std::uint64_t bytes = 0;
  for (auto& m : record.missing())
    if (m.stripe() < map->layout().stripes() && m.piece() < pieces)
      bytes += stored_bytes(map->layout(), m.stripe(), m.piece());
  return bytes;
}

std::chrono::milliseconds time_for(const healer_options& o, std::uint64_t bytes) {
  if (!o.rate) return o.repair_timeout;
  return o.repair_timeout +
    healing_rate_sharers * std::chrono::duration_cast<std::chrono::milliseconds>(o.rate->time_of(bytes));
}

void repair_one(self_pointer self, const std::shared_ptr<repairs>& r, repair_row row) {
  auto extent = row.record.extent();
  auto& o = self->state.options;
  auto bytes = bytes_missing(row.record);
  self->state.repairing[extent.data_id()] = false;
  ++r->under_way;
  self->request(o.replicator, time_for(o, bytes), repair_atom::value, wire<pb::repair_record>{std::move(row.record)})
    .then(
      [self, r, row = std::move(row), extent, bytes] {
        self->state.repair_job.step(1, bytes);
        self->state.repaired_bytes += bytes;
        erase_row(self, r, row, extent);
      },
      [self, r, extent](
        caf::error& e) { // its node is still away, or too little is left of it: the next walk tries again
        self->state.repair_job.step(1);
        complain(self, "could not complete an extent: " + from_caf(e).message);
        one_ended(self, r, extent);
      });
}

void repair_some(self_pointer self, const std::shared_ptr<repairs>& r) {
  if (r->failed) r->rows.clear();
  while (!r->rows.empty() && r->under_way < repairs_at_once) {
    auto row = std::move(r->rows.front());
    r->rows.pop_front();
    repair_one(self, r, std::move(row));
  }
  if (r->under_way == 0) next_walk(self, r->more && !r->failed);
}

} // namespace

void walk_repairs(self_pointer self) {
  auto& o = self->state.options;
  pb::list_request request;
  request.set_prefix(std::string(1, tables::repairs));
  request.set_start_after(self->state.repair_cursor);
  request.set_limit(o.rows_per_step);
  self->request(o.metadata, o.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self](const wire<pb::list_reply>& page) {
        auto r = std::make_shared<repairs>();
        r->more = page->truncated();
        if (self->state.repair_cursor.empty() && page->entries_size() != 0) {
          auto known = r->more ? 0 : static_cast<std::uint64_t>(page->entries_size());
          self->state.repair_job.begin(now_of(self), known);
        }
        self->state.repair_cursor = page->last();
        for (const auto& entry : page->entries()) {
          pb::repair_record record;
          if (record.ParseFromString(entry.value()))
            r->rows.push_back({entry.key(), tables::digest_of(entry.value()), std::move(record)});
          else
            complain(self, "a repair row does not parse; it stays");
        }
        repair_some(self, r);
      },
      [self](caf::error& e) {
        complain(self, "could not list repairs: " + from_caf(e).message);
        next_walk(self, false);
      });
}

} // namespace troupe
