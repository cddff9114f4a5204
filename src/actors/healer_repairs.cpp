// The HEALER's walk of table repairs. A row says which pieces of an extent a node did not take when it was written; it
// goes once they are there. What has been deleted meanwhile has no row any more: then the new pieces are removed again.
#include "actors/healer.hpp"
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
  if (auto n = std::exchange(self->state.repaired_in_walk, 0); n != 0)
    spdlog::info("healer: {} extents have all their pieces again", n);
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

void repair_next(self_pointer self, const std::shared_ptr<repairs>& r) {
  if (r->rows.empty()) return next_walk(self, r->more);
  auto [key, record] = std::move(r->rows.front());
  r->rows.pop_front();
  auto extent = record.extent();
  auto& o = self->state.options;
  self->request(o.replicator, o.repair_timeout, repair_atom::value, wire<pb::repair_record>{std::move(record)})
    .then([self, r, key = key, extent] { erase_row(self, r, key, extent); },
      [self, r](caf::error& e) { // its node is still away, or too little is left of it: the next walk tries again
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
