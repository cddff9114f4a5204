#include "actors/healer.hpp"

#include "actors/healing_view.hpp"

#include "core/garbage.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <set>

namespace troupe {
namespace {

using self_pointer = healer_actor::stateful_pointer<healer_state>;

struct row_work {
  std::string key;
  reclaimable found;
  bool refused = false; // being read, or some node did not confirm: the row stays
};

// One step of the walk: up to rows_per_step rows. Ends in next_step(), on every path.
struct step {
  std::vector<row_work> rows;
  std::size_t outstanding = 0;
  bool more = false; // rows follow this page
};

bool being_read(const reclaimable& found, const read_pins& pins) {
  for (const auto& e : found.extents)
    if (pins.held(data_id::from_bytes(e.data_id()))) return true;
  return false;
}

void next_step(self_pointer self, bool more) {
  if (more) {
    self->send(self, tick_atom::value);
    return;
  }
  self->state.cursor.clear();
  self->delayed_send(self, self->state.options.interval, tick_atom::value);
}

void erase_rows(self_pointer self, const std::shared_ptr<step>& s) {
  pb::batch batch;
  std::uint64_t rows = 0;
  auto erase = [&](std::string key) {
    auto* op = batch.add_operations();
    op->set_kind(pb::operation::erase);
    op->set_key(std::move(key));
  };
  for (auto& row : s->rows) {
    if (row.refused) continue;
    ++rows;
    erase(std::move(row.key));
    if (row.found.manifest_id) erase(tables::manifest(*row.found.manifest_id));
    for (const auto& e : row.found.extents) erase(tables::repair(data_id::from_bytes(e.data_id())));
  }
  if (rows == 0) {
    next_step(self, s->more);
    return;
  }
  auto& o = self->state.options;
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, s, rows](const wire<pb::batch_result>&) {
        auto& st = self->state;
        st.reclaimed += rows;
        for (auto& row : s->rows) {
          if (row.refused) continue;
          for (const auto& e : row.found.extents)
            if (auto r = st.repairing.find(e.data_id()); r != st.repairing.end()) r->second = true;
        }
        next_step(self, s->more);
      },
      [self](caf::error& e) { // the rows are still there: the next walk meets them again
        spdlog::warn("healer: could not erase reclaimed garbage rows: {}", from_caf(e).message);
        next_step(self, false);
      });
}

void remove_pieces(self_pointer self, const std::shared_ptr<step>& s) {
  auto& o = self->state.options;
  auto one_done = [self, s] {
    if (--s->outstanding == 0) erase_rows(self, s);
  };
  s->outstanding = 1; // held until all requests are out
  for (std::size_t i = 0; i < s->rows.size(); ++i) {
    if (s->rows[i].refused) continue;
    for (const auto& extent : s->rows[i].found.extents) {
      ++s->outstanding;
      self->request(o.replicator, o.request_timeout, remove_atom::value, wire<pb::extent>{extent})
        .then([one_done] { one_done(); },
          [self, s, i, one_done](caf::error&) {
            s->rows[i].refused = true;
            ++self->state.refused;
            one_done();
          });
    }
  }
  one_done();
}

// What is being read, here or in another process, stays.
void spare_readers(self_pointer self, const std::shared_ptr<step>& s) {
  auto& o = self->state.options;
  pb::data_ids ids;
  for (auto& row : s->rows) {
    if (being_read(row.found, *o.pins)) row.refused = true;
    if (row.refused || !o.readers) continue;
    for (const auto& e : row.found.extents) ids.add_ids(e.data_id());
  }
  if (ids.ids_size() == 0) return remove_pieces(self, s);
  self->request(o.readers, o.request_timeout, pinned_atom::value, wire<pb::data_ids>{std::move(ids)})
    .then(
      [self, s](const wire<pb::data_ids>& pinned) {
        std::set<std::string> held{pinned->ids().begin(), pinned->ids().end()};
        for (auto& row : s->rows)
          for (const auto& e : row.found.extents) row.refused |= held.contains(e.data_id());
        remove_pieces(self, s);
      },
      [self](caf::error& e) { // somebody may be reading: another time
        if (self->state.repair_lines.allow(self->clock().now()))
          spdlog::warn(
            "healer: nothing is reclaimed while a process does not say what it reads: {}", from_caf(e).message);
        next_step(self, false);
      });
}

void read_manifests(self_pointer self, const std::shared_ptr<step>& s) {
  pb::read_request request;
  for (const auto& row : s->rows)
    if (row.found.manifest_id) request.add_keys(tables::manifest(*row.found.manifest_id));
  if (request.keys_size() == 0) {
    spare_readers(self, s);
    return;
  }
  auto& o = self->state.options;
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self, s](const wire<pb::read_reply>& reply) {
        for (const auto& row : reply->rows()) {
          pb::manifest manifest;
          bool readable = manifest.ParseFromString(row.value());
          if (!readable) spdlog::error("healer: a manifest row does not parse; its pieces stay");
          for (auto& work : s->rows)
            if (work.found.manifest_id && tables::manifest(*work.found.manifest_id) == row.key()) {
              if (readable) add_extents(manifest, work.found);
              work.refused = !readable;
            }
        }
        spare_readers(self, s);
      },
      [self](caf::error& e) {
        spdlog::warn("healer: could not read manifests: {}", from_caf(e).message);
        next_step(self, false);
      });
}

void plan(self_pointer self, const pb::list_reply& page) {
  auto& o = self->state.options;
  auto s = std::make_shared<step>();
  s->more = page.truncated();
  self->state.cursor = page.last();
  for (const auto& entry : page.entries()) {
    pb::garbage_record row;
    if (!row.ParseFromString(entry.value())) {
      spdlog::error("healer: a garbage row does not parse; it stays");
      continue;
    }
    if (!old_enough(row, o.clock->now(), o.grace_ms)) continue;
    auto found = reclaimable_of(row);
    if (!found) {
      spdlog::error("healer: {}; it stays", found.error().message);
      continue;
    }
    s->rows.push_back({.key = entry.key(), .found = std::move(*found)});
  }
  read_manifests(self, s);
}

void walk(self_pointer self) {
  auto& o = self->state.options;
  pb::list_request request;
  request.set_prefix(std::string(1, tables::garbage));
  request.set_start_after(self->state.cursor);
  request.set_limit(o.rows_per_step);
  self->request(o.metadata, o.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then([self](const wire<pb::list_reply>& page) { plan(self, *page); },
      [self](caf::error& e) {
        spdlog::warn("healer: could not list garbage: {}", from_caf(e).message);
        next_step(self, false);
      });
}

} // namespace

job_clock::time now_of(healer_actor::stateful_pointer<healer_state> self) {
  return std::chrono::duration_cast<job_clock::time>(self->clock().now().time_since_epoch());
}

healer_actor::behavior_type healer(healer_actor::stateful_pointer<healer_state> self, healer_options options) {
  self->state.options = std::move(options);
  self->state.active = !self->state.options.clustered;
  self->send(self, tick_atom::value);
  self->send(self, repair_atom::value);
  self->delayed_send(self, self->state.options.watch_interval, next_atom::value);
  arm_compare(self, self->state.options.compare_delay);
  return {
    [self](tick_atom) {
      auto& s = self->state;
      if (s.active) return walk(self);
      self->delayed_send(self, s.options.interval, tick_atom::value);
    },
    [self](repair_atom) {
      auto& s = self->state;
      if (s.active) return walk_repairs(self);
      self->delayed_send(self, s.options.repair_interval, repair_atom::value);
    },
    [self](compare_atom, std::uint64_t number) {
      auto& s = self->state;
      if (number != s.compare_armed) return;
      if (s.active) return compare_step(self);
      arm_compare(self, s.options.repair_interval);
    },
    [self](next_atom) {
      auto& s = self->state;
      if (s.active) return watch(self);
      s.watched.clear(); // whoever is active later begins anew
      s.told.clear();
      self->delayed_send(self, s.options.watch_interval, next_atom::value);
    },
    [self](view_atom, const new_healing_view& v) {
      self->state.active = v.view->active;
      self->state.view = v.view;
    },
    [self](status_atom) -> std::uint64_t { return self->state.reclaimed; },
    [self](heal_atom, const wire<pb::heal_order>& order) {
      if (order->kind() == pb::heal_order::repair && self->state.active) compare_now(self, order->node());
      return comparison_report(self->state);
    },
  };
}

} // namespace troupe
