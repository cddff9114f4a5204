// sim_cluster_client: what the client of a sim_cluster does: puts, gets, and looks what is named and what is held. Included by
// sim_cluster.hpp.
#pragma once

#include "support/sim_cluster.hpp"

namespace troupe::test {

inline result<> sim_cluster::put(node& at, const std::string& key, const std::string& content) {
  auto stored = store(at, key, content);
  if (!stored) return stored.error();
  return commit(at, std::move(*stored));
}

inline result<pb::batch> sim_cluster::store(node& at, const std::string& key, const std::string& content) {
  auto counts = at.counts->get();
  if (counts.known == 0) return fail(ec::unavailable, "forming");
  auto era = at.era->number();
  upload_options what;
  what.size = content.size();
  what.geometry = default_geometry(counts, content.size(), {.piece_bytes = 4096});
  auto begun = fx.ask<upload_actor>(at.replicator, upload_atom::value, what);
  auto session = fx.wait(begun);
  if (!session) return session.error();
  stripe_layout layout{what.geometry, content.size()};
  std::uint64_t offset = 0;
  for (auto r : layout.ranges(0, content.size())) {
    auto written =
      fx.ask(*session, write_atom::value, chunk::copy_of(std::string_view{content}.substr(offset, r.length)));
    offset += r.length;
    if (auto ok = fx.wait(written); !ok) return ok.error();
  }
  auto finished = fx.ask<upload_summary>(*session, finish_atom::value);
  auto summary = fx.wait(finished);
  if (!summary) return summary.error();
  summary->extent.set_era(era);
  pb::object_record record;
  record.set_size(content.size());
  *record.mutable_extent() = summary->extent;
  pb::batch batch;
  auto& put = *batch.add_operations();
  put.set_kind(pb::operation::put);
  put.set_key(tables::object("sim", key));
  put.set_value(record.SerializeAsString());
  put.set_collect(true);
  upload_era::add_claim(batch, summary->extent);
  if (summary->repair.missing_size() != 0) {
    auto& repair = *batch.add_operations();
    repair.set_kind(pb::operation::put);
    repair.set_key(tables::repair(data_id::from_bytes(summary->extent.data_id())));
    repair.set_value(summary->repair.SerializeAsString());
  }
  return batch;
}

inline result<> sim_cluster::commit(node& at, pb::batch batch) {
  batch.set_now_ms(clock.now());
  auto committed = fx.ask<wire<pb::batch_result>>(at.router, commit_atom::value, wire{std::move(batch)});
  auto done = fx.wait(committed);
  if (!done) return done.error();
  if (!(*done)->applied()) return fail(ec::slow_down, "it was condemned");
  return {};
}

inline std::set<std::string> sim_cluster::condemned() {
  std::set<std::string> ids;
  auto& at = **std::find_if(nodes.begin(), nodes.end(), [](auto& n) { return n->up; });
  pb::list_request request;
  request.set_prefix(std::string(1, tables::condemned));
  request.set_limit(10'000);
  auto asked = fx.ask<wire<pb::list_reply>>(at.router, list_atom::value, wire{std::move(request)});
  for (auto& entry : fx.wait(asked).value()->entries())
    if (entry.key().size() == 17) ids.insert(entry.key().substr(1)); // the others are eras
  return ids;
}

inline std::set<std::string> sim_cluster::named() {
  std::set<std::string> ids;
  auto& at = **std::find_if(nodes.begin(), nodes.end(), [](auto& n) { return n->up; });
  for (auto table : tables_with_extents) {
    pb::list_request request;
    request.set_prefix(std::string(1, table));
    request.set_limit(10'000);
    auto asked = fx.ask<wire<pb::list_reply>>(at.router, list_atom::value, wire{std::move(request)});
    for (auto& entry : fx.wait(asked).value()->entries())
      for (auto& e : extents_in(table, entry.value()).value()) ids.insert(e.data_id());
  }
  return ids;
}

inline std::set<std::string> sim_cluster::held() {
  std::set<std::string> ids;
  for (auto& n : nodes) {
    if (!n->up) continue;
    pb::held_request request;
    request.set_limit(4096);
    auto asked = fx.ask<wire<pb::held_page>>(n->shard, list_atom::value, wire{std::move(request)});
    auto page = fx.wait(asked).value();
    ids.insert(page->ids().begin(), page->ids().end());
  }
  return ids;
}

inline result<std::optional<std::string>> sim_cluster::get(node& at, const std::string& key) {
  pb::read_request request;
  request.add_keys(tables::object("sim", key));
  auto asked = fx.ask<wire<pb::read_reply>>(at.router, read_atom::value, wire{std::move(request)});
  auto found = fx.wait(asked);
  if (!found) return found.error();
  if ((*found)->rows_size() == 0) return std::optional<std::string>{};
  pb::object_record record;
  if (!record.ParseFromString((*found)->rows(0).value())) return fail(ec::corrupt, "a record");
  auto started = fx.ask<download_actor>(
    at.replicator, download_atom::value, wire{record.extent()}, std::uint64_t{0}, record.size(), trace_context{});
  auto session = fx.wait(started);
  if (!session) return session.error();
  for (std::string out;;) {
    auto next = fx.ask<chunk>(*session, next_atom::value);
    auto got = fx.wait(next);
    if (!got) return got.error();
    if (got->empty()) return std::optional{std::move(out)};
    out += got->text();
  }
}

} // namespace troupe::test
