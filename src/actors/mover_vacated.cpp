// The MOVER's walk of table vacated: what nodes still hold of extents that are elsewhere now is removed, once readers of the
// old record have had time to end and nobody here reads it. A node that does not answer keeps its row until it does, or
// is gone.
#include "actors/mover.hpp"

#include "core/placement.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>

#include <utility>

namespace troupe {
namespace {

// The whole data_id on these nodes, in the words of the replicator: an extent of no bytes.
pb::extent all_of(const data_id& id, const pb::vacated_record& row) {
  pb::extent e;
  e.set_data_id(id.to_bytes());
  auto copies = static_cast<std::uint32_t>(row.nodes_size());
  e.mutable_geometry()->set_k(1);
  e.mutable_geometry()->set_m(copies - 1);
  e.mutable_geometry()->set_piece_bytes(default_piece_bytes);
  auto& p = *e.add_placements();
  *p.mutable_nodes() = row.nodes();
  return e;
}

struct vacated_page {
  std::deque<std::pair<std::string, std::string>> rows; // key, value
  bool more = false;
};

void remove_next(mover_pointer self, const std::shared_ptr<vacated_page>& page);

void erase_row(
  mover_pointer self, const std::shared_ptr<vacated_page>& page, const std::string& key, const std::string& value) {
  auto& o = self->state.options;
  pb::batch batch;
  auto& same = *batch.add_preconditions();
  same.set_kind(pb::precondition::equals);
  same.set_key(key);
  same.set_digest(tables::digest_of(value));
  auto& erase = *batch.add_operations();
  erase.set_kind(pb::operation::erase);
  erase.set_key(key);
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([=](const wire<pb::batch_result>&) { remove_next(self, page); },
      [=](caf::error& e) {
        complain(self, "could not erase a row: " + from_caf(e).message);
        remove_next(self, page);
      });
}

void remove_next(mover_pointer self, const std::shared_ptr<vacated_page>& page) {
  auto& s = self->state;
  if (page->rows.empty()) {
    if (page->more) return remove_vacated(self);
    s.vacated_cursor.clear();
    return end_round(self);
  }
  auto [key, value] = std::move(page->rows.front());
  page->rows.pop_front();
  pb::vacated_record row;
  auto id = data_id::from_bytes(std::string_view{key}.substr(1));
  auto due = row.ParseFromString(value) && row.nodes_size() != 0 &&
    row.since_ms() + s.options.vacated_grace.count() <= s.options.clock->now() && !s.options.pins->held(id);
  if (!due) {
    s.found_something = true; // the next round comes soon
    return remove_next(self, page);
  }
  auto remove = [=, key = key, value = value, what = wire<pb::extent>{all_of(id, row)}] {
    auto& o = self->state.options;
    self->request(o.replicator, o.request_timeout, remove_atom::value, what)
      .then([=] { erase_row(self, page, key, value); },
        [=](caf::error&) { remove_next(self, page); }); // a node is away: its row stays
  };
  if (!s.options.readers) return remove();
  pb::data_ids ids;
  ids.add_ids(id.to_bytes());
  self->request(s.options.readers, s.options.request_timeout, pinned_atom::value, wire<pb::data_ids>{std::move(ids)})
    .then(
      [=](const wire<pb::data_ids>& pinned) {
        if (pinned->ids_size() == 0) return remove();
        remove_next(self, page);
      },
      [=](caf::error&) { remove_next(self, page); }); // perhaps it is being read
}

} // namespace

void remove_vacated(mover_pointer self) {
  auto& s = self->state;
  pb::list_request request;
  request.set_prefix(std::string(1, tables::vacated));
  request.set_start_after(s.vacated_cursor);
  request.set_limit(s.options.rows_per_page);
  self
    ->request(
      s.options.metadata, s.options.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self](const wire<pb::list_reply>& listed) {
        auto page = std::make_shared<vacated_page>();
        page->more = listed->truncated();
        self->state.vacated_cursor = listed->last();
        for (auto& entry : listed->entries()) page->rows.emplace_back(entry.key(), entry.value());
        remove_next(self, page);
      },
      [self](caf::error& e) {
        complain(self, "could not list what was vacated: " + from_caf(e).message);
        end_round(self);
      });
}

} // namespace troupe
