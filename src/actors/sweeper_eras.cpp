// The SWEEPER's work on eras: rows of table condemned stay until no commit can come that they are there to stop.
#include "actors/sweeper.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace troupe {
namespace {

void turn_era(sweeper_pointer self) {
  auto& s = self->state;
  auto& o = s.options;
  auto batch = s.condemned_left == 0 ? std::nullopt : upload_era::turn(s.era_row, s.era, o.era_length, o.clock->now());
  if (!batch) return end_pass(self);
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(*batch)})
    .then(
      [self](const wire<pb::batch_result>&) { // what came of it the next pass reads
        read_era(self, [self](const result<>&) { end_pass(self); });
      },
      [self](caf::error& e) {
        complain(self, "could not end an era of uploads: " + from_caf(e).message);
        end_pass(self);
      });
}

void next_page(sweeper_pointer self, bool more) {
  auto& s = self->state;
  if (more)
    self->delayed_send(self, s.options.pause, tick_atom::value);
  else
    turn_era(self);
}

void erase_needless(sweeper_pointer self, const pb::list_reply& page) {
  auto& s = self->state;
  auto& o = s.options;
  s.cursor = page.last();
  constexpr std::size_t of_data_id = 1 + sizeof(data_id::raw); // the others are eras: they stay
  pb::batch batch;
  for (auto& entry : page.entries()) {
    pb::condemned_record row;
    if (entry.key().size() != of_data_id || !row.ParseFromString(entry.value())) continue;
    if (!upload_era::is_over(row.era(), s.era.number())) {
      ++s.condemned_left;
      continue;
    }
    auto& op = *batch.add_operations();
    op.set_kind(pb::operation::erase);
    op.set_key(entry.key());
  }
  if (batch.operations_size() == 0) return next_page(self, page.truncated());
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([self, more = page.truncated()](const wire<pb::batch_result>&) { next_page(self, more); },
      [self](caf::error& e) { // they do no harm
        complain(self, "could not erase needless rows: " + from_caf(e).message);
        end_pass(self);
      });
}

} // namespace

void read_era(sweeper_pointer self, const std::function<void(const result<>&)>& then) {
  auto& o = self->state.options;
  pb::read_request request;
  request.add_keys(upload_era::row_key());
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self, then](const wire<pb::read_reply>& reply) {
        auto& s = self->state;
        s.era_row = reply->rows_size() == 0 ? std::nullopt : std::optional{reply->rows(0).value()};
        auto parsed = upload_era::parse(s.era_row);
        if (!parsed) return then(parsed.error());
        s.era = std::move(*parsed);
        if (s.options.era) s.options.era->learn(s.era.number());
        then({});
      },
      [then](const caf::error& e) { then(from_caf(e)); });
}

void reclaim_condemned(sweeper_pointer self) {
  auto& o = self->state.options;
  pb::list_request request;
  request.set_prefix(std::string(1, tables::condemned));
  request.set_start_after(self->state.cursor);
  request.set_limit(o.rows_per_page);
  self->request(o.metadata, o.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then([self](const wire<pb::list_reply>& page) { erase_needless(self, *page); },
      [self](caf::error& e) {
        complain(self, "could not list what was condemned: " + from_caf(e).message);
        end_pass(self);
      });
}

} // namespace troupe
