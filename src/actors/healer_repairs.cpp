// The HEALER's walk of table repairs. A row says which pieces of an extent a node did not take when it was written; it
// goes once they are there. What has been deleted meanwhile has no row any more: then the new pieces are removed again.
#include "actors/healer.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_rebuild.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <deque>
#include <utility>

namespace troupe {
namespace {

using self_pointer = healer_actor::stateful_pointer<healer_state>;

struct repairs {
  std::deque<std::pair<std::string, pb::repair_record>> rows; // of this page, still to do
  bool more = false;                                          // rows follow this page
};

void next_walk(self_pointer self, bool more) {
  if (more) {
    self->send(self, repair_atom::value);
    return;
  }
  self->state.repair_cursor.clear();
  self->state.repair_job.end();
  if (auto n = std::exchange(self->state.repaired_in_walk, 0); n != 0) {
    spdlog::info("healer: {} extents have all their pieces again", n);
    recount(self); // how many still have not
  }
  self->delayed_send(self, self->state.options.repair_interval, repair_atom::value);
}

void repair_next(self_pointer self, const std::shared_ptr<repairs>& r);

void complain(self_pointer self, const std::string& what) {
  if (self->state.repair_lines.allow(self->clock().now())) spdlog::warn("healer: {}", what);
}

void erase_row(self_pointer self, const std::shared_ptr<repairs>& r, const std::string& key, const pb::extent& extent) {
  pb::batch batch;
  auto* there = batch.add_preconditions();
  there->set_kind(pb::precondition::exists);
  there->set_key(key);
  auto* op = batch.add_operations();
  op->set_kind(pb::operation::erase);
  op->set_key(key);
  auto& o = self->state.options;
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, r, extent](const wire<pb::batch_result>& done) {
        if (done->applied()) {
          ++self->state.repaired;
          ++self->state.repaired_in_walk;
        } else { // reclaimed in the meantime
          caf::anon_send(self->state.options.replicator, remove_atom::value, wire<pb::extent>{extent});
        }
        repair_next(self, r);
      },
      [self](caf::error& e) { // the row is still there, and repairing again does no harm
        complain(self, "could not erase a repair row: " + from_caf(e).message);
        next_walk(self, false);
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

constexpr int sharers = 4; // of the rate, at most

std::chrono::milliseconds time_for(const healer_options& o, std::uint64_t bytes) {
  if (!o.rate) return o.repair_timeout;
  return o.repair_timeout + sharers * std::chrono::duration_cast<std::chrono::milliseconds>(o.rate->time_of(bytes));
}

void repair_next(self_pointer self, const std::shared_ptr<repairs>& r) {
  if (r->rows.empty()) return next_walk(self, r->more);
  auto [key, record] = std::move(r->rows.front());
  r->rows.pop_front();
  auto extent = record.extent();
  auto& o = self->state.options;
  auto bytes = bytes_missing(record);
  self->request(o.replicator, time_for(o, bytes), repair_atom::value, wire<pb::repair_record>{std::move(record)})
    .then(
      [self, r, key = key, extent, bytes] {
        self->state.repair_job.step(1, bytes);
        erase_row(self, r, key, extent);
      },
      [self, r](caf::error& e) { // its node is still away, or too little is left of it: the next walk tries again
        self->state.repair_job.step(1);
        complain(self, "could not complete an extent: " + from_caf(e).message);
        repair_next(self, r);
      });
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
            r->rows.emplace_back(entry.key(), std::move(record));
          else
            complain(self, "a repair row does not parse; it stays");
        }
        repair_next(self, r);
      },
      [self](caf::error& e) {
        complain(self, "could not list repairs: " + from_caf(e).message);
        next_walk(self, false);
      });
}

} // namespace troupe
