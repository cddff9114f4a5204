// The SWEEPER's work on what was found: strays go to table vacated, orphans that are certain are removed, suspects that are old
// enough are condemned, unless somebody says that it is still writing them. One step after the other; what fails is found
// again by the next pass.
#include "actors/sweeper.hpp"

#include "actors/cluster_view.hpp"
#include "actors/readers.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

namespace troupe {
namespace {

// ---- strays --------------------------------------------------------------------------------------------------------

void add_expected(pb::batch& batch, const std::string& key, std::optional<std::uint64_t> digest) {
  auto& p = *batch.add_preconditions();
  p.set_key(key);
  p.set_kind(digest ? pb::precondition::equals : pb::precondition::not_exists);
  if (digest) p.set_digest(*digest);
}

void put(pb::batch& batch, std::string key, std::string value) {
  auto& op = *batch.add_operations();
  op.set_kind(pb::operation::put);
  op.set_key(std::move(key));
  op.set_value(std::move(value));
}

// The row that names the content is as it was read, and so is what was vacated: then these nodes hold what is not theirs.
void vacate(sweeper_pointer self, const orphan_hunt::stray& stray, const std::optional<std::string>& before) {
  auto& o = self->state.options;
  auto key = tables::vacated_row(stray.id);
  pb::vacated_record row;
  if (before && !row.ParseFromString(*before)) return carry_out(self);
  for (auto& n : stray.nodes)
    if (std::find(row.nodes().begin(), row.nodes().end(), n.name) == row.nodes().end()) row.add_nodes(n.name);
  row.set_since_ms(o.clock->now());
  pb::batch batch;
  add_expected(batch, stray.row.key, stray.row.digest);
  add_expected(batch, key, before ? std::optional{tables::digest_of(*before)} : std::nullopt);
  put(batch, key, row.SerializeAsString());
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self](const wire<pb::batch_result>& done) {
        if (done->applied()) self->state.told.set_strays(self->state.told.strays() + 1);
        carry_out(self);
      },
      [self](caf::error& e) {
        complain(self, "could not note a stray: " + from_caf(e).message);
        carry_out(self);
      });
}

void vacate_next(sweeper_pointer self) {
  auto& s = self->state;
  auto stray = std::move(s.verdict.strays.back());
  s.verdict.strays.pop_back();
  pb::read_request request;
  request.add_keys(tables::vacated_row(stray.id));
  self
    ->request(
      s.options.metadata, s.options.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self, stray = std::move(stray)](const wire<pb::read_reply>& reply) {
        vacate(self, stray, reply->rows_size() == 0 ? std::nullopt : std::optional{reply->rows(0).value()});
      },
      [self](caf::error& e) {
        complain(self, "could not look what was vacated: " + from_caf(e).message);
        carry_out(self);
      });
}

// ---- removal -------------------------------------------------------------------------------------------------------

void remove_next(sweeper_pointer self) {
  auto& s = self->state;
  auto [id, nodes] = std::move(s.verdict.remove.back());
  s.verdict.remove.pop_back();
  struct progress {
    std::size_t waiting = 1; // held until all requests are out
    bool all = true;
  };
  auto p = std::make_shared<progress>();
  auto one_done = [self, p, id = id](bool confirmed) {
    p->all &= confirmed;
    if (--p->waiting != 0) return;
    auto& st = self->state;
    if (p->all) {
      st.hunt->removed(id);
      st.told.set_removed(st.told.removed() + 1);
      ++st.removed_now;
    }
    carry_out(self);
  };
  for (auto& node : nodes) {
    ++p->waiting;
    auto* shard = s.nodes->find(node);
    if (shard == nullptr) {
      one_done(false);
      continue;
    }
    self->request(*shard, s.options.request_timeout, remove_atom::value, id)
      .then([one_done] { one_done(true); },
        [self, one_done, node](const caf::error& e) {
          complain(self, "node " + node.name + " did not remove an orphan: " + from_caf(e).message);
          one_done(false);
        });
  }
  one_done(true);
}

// ---- condemnation --------------------------------------------------------------------------------------------------

std::vector<data_id> take_some(sweeper_pointer self, std::vector<data_id>& from) {
  auto n = std::min(self->state.options.judged_per_batch, from.size());
  std::vector<data_id> taken{from.end() - static_cast<std::ptrdiff_t>(n), from.end()};
  from.resize(from.size() - n);
  return taken;
}

void condemn(sweeper_pointer self, const std::vector<data_id>& ids) {
  auto& o = self->state.options;
  if (ids.empty()) return carry_out(self);
  pb::batch batch;
  pb::condemned_record row;
  row.set_since_ms(o.clock->now());
  row.set_era(upload_era::latest_of_condemned(self->state.era.number()));
  for (auto& id : ids) put(batch, tables::condemned_row(id), row.SerializeAsString());
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, ids](const wire<pb::batch_result>& done) {
        auto& s = self->state;
        if (done->applied())
          for (auto& id : ids) s.hunt->condemned(id);
        s.condemned_now += ids.size();
        carry_out(self);
      },
      [self](caf::error& e) { // perhaps it was made: it does no harm, and is made again
        complain(self, "could not condemn: " + from_caf(e).message);
        carry_out(self);
      });
}

// Those that nobody is writing.
void condemn_unused(sweeper_pointer self, const std::vector<data_id>& ids, const std::set<std::string>& in_use) {
  std::vector<data_id> guilty;
  for (auto& id : ids)
    if (in_use.contains(id.to_bytes()))
      self->state.hunt->in_use(id, now_of(self));
    else
      guilty.push_back(id);
  condemn(self, guilty);
}

void condemn_some(sweeper_pointer self) {
  auto& s = self->state;
  auto ids = take_some(self, s.verdict.condemn);
  pb::data_ids asked;
  for (auto& id : ids) asked.add_ids(id.to_bytes());
  if (!s.options.readers) {
    auto held = pinned_here(asked, *s.options.pins);
    return condemn_unused(self, ids, {held.ids().begin(), held.ids().end()});
  }
  self->request(s.options.readers, s.options.request_timeout, pinned_atom::value, wire<pb::data_ids>{std::move(asked)})
    .then(
      [self, ids](const wire<pb::data_ids>& held) {
        condemn_unused(self, ids, {held->ids().begin(), held->ids().end()});
      },
      [self](caf::error& e) { // perhaps it is being written
        complain(self, "nothing is condemned while a process does not say what it writes: " + from_caf(e).message);
        self->state.verdict.condemn.clear();
        carry_out(self);
      });
}

void pardon_some(sweeper_pointer self) {
  auto& s = self->state;
  pb::batch batch;
  for (auto& id : take_some(self, s.verdict.pardon)) {
    auto& op = *batch.add_operations();
    op.set_kind(pb::operation::erase);
    op.set_key(tables::condemned_row(id));
  }
  batch.set_now_ms(s.options.clock->now());
  self->request(s.options.metadata, s.options.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([self](const wire<pb::batch_result>&) { carry_out(self); },
      [self](caf::error& e) { // it stays, and does no harm: what it speaks of is named already
        complain(self, "could not pardon: " + from_caf(e).message);
        carry_out(self);
      });
}

} // namespace

void carry_out(sweeper_pointer self) {
  auto& s = self->state;
  auto& v = s.verdict;
  if (!s.active) return end_pass(self);
  if (!v.strays.empty() && s.options.clustered) return vacate_next(self);
  if (!v.remove.empty()) return remove_next(self);
  if (!v.pardon.empty()) return pardon_some(self);
  if (!v.condemn.empty()) return condemn_some(self);
  if (auto n = std::exchange(s.removed_now, 0); n != 0)
    spdlog::info("sweeper: the pieces of {} uploads that nothing names were removed", n);
  if (s.condemned_now != 0)
    spdlog::info(
      "sweeper: {} uploads have pieces that nothing names: condemned, and removed once another walk made sure",
      s.condemned_now);
  s.reclaiming = true;
  s.cursor.clear();
  s.condemned_left = 0;
  reclaim_condemned(self);
}

} // namespace troupe
