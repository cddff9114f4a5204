#include "api/metrics/cluster_metrics.hpp"

#include "api/admin/survey_json.hpp"

#include <algorithm>
#include <string>

namespace troupe::metrics {

namespace {

void nodes_of(const cluster_survey& all, families& out) {
  family answers{"troupe_node_answers", "Whether a storage node answered when it was asked: 1 or 0."};
  family pieces{"troupe_node_pieces", "Pieces of stripes that a node holds."};
  family live{"troupe_node_live_bytes", "Bytes of pieces that a node holds."};
  family log{"troupe_node_log_bytes", "Bytes that a node's log takes on its disk, dead ones too."};
  family damaged{"troupe_node_damaged_records", "Records of a node's log that were found damaged since it started."};
  family segments{"troupe_node_log_segments", "Segments of a node's log."};
  family bad{
    "troupe_node_damaged_pieces", "Pieces that a node could not read lately, and that were not made anew since."};
  family rounds{"troupe_node_scrub_rounds", "Whole scrubs of a node since it started."};
  family found{"troupe_node_scrub_damaged", "Pieces that the scrub of a node found damaged since it started."};
  family scrubbed{"troupe_node_scrub_done_bytes", "What the scrub that is under way has read; absent between scrubs."};
  family to_scrub{"troupe_node_scrub_size_bytes", "What there was to read when it began."};
  family writable{"troupe_node_writable", "Whether a node takes new pieces: 1 or 0."};
  family suspected{"troupe_node_suspected", "Whether gossip suspects a node or calls it dead: 1 or 0."};
  family state{"troupe_node_state", "1 for the state that the cluster map gives a node."};
  for (const auto& n : all.nodes) {
    const auto& name = n.id.name;
    if (n.listed) state.add(1.0, {{"node", name}, {"state", std::string{to_string(n.listed->state)}}});
    if (n.gossip) suspected.add_node(*n.gossip == member_status::alive ? 0.0 : 1.0, name);
    if (!n.asked) continue;
    answers.add_node(n.storage ? 1.0 : 0.0, name);
    if (!n.storage) continue;
    pieces.add_node(n.storage->pieces(), name);
    live.add_node(n.storage->live_bytes(), name);
    log.add_node(n.storage->log_bytes(), name);
    damaged.add_node(n.storage->damaged_records(), name);
    segments.add_node(n.storage->log_segments(), name);
    bad.add_node(n.storage->damaged_pieces(), name);
    rounds.add_node(n.storage->scrub_rounds(), name);
    found.add_node(n.storage->scrub_damaged(), name);
    if (n.storage->scrub_bytes_total() != 0) {
      scrubbed.add_node(n.storage->scrub_bytes_done(), name);
      to_scrub.add_node(n.storage->scrub_bytes_total(), name);
    }
    writable.add_node(n.storage->writable() ? 1.0 : 0.0, name);
  }
  for (auto* f : {&answers, &pieces, &live, &log, &segments, &damaged, &bad, &rounds, &found, &scrubbed, &to_scrub,
         &writable, &suspected, &state})
    f->give(out);
}

void members_of(const cluster_survey& all, families& out) {
  family answers{"troupe_raft_answers", "Whether a metadata member answered when it was asked: 1 or 0."};
  family leads{"troupe_raft_leader", "Whether a metadata member leads its group: 1 or 0."};
  family term{"troupe_raft_term", "The Raft term that a metadata member is in."};
  family commit{"troupe_raft_commit_index", "The last Raft entry that a metadata member knows to be committed."};
  family applied{"troupe_raft_applied_index", "The last Raft entry that a metadata member has applied."};
  family lag{"troupe_raft_lag_entries", "Entries that the leader has committed and a member has not applied."};
  family recovering{"troupe_raft_recovering", "Whether a member does not vote yet, because it catches up: 1 or 0."};
  family segments{"troupe_raft_log_segments", "Segments of a metadata member's Raft log."};
  family bytes{"troupe_raft_log_bytes", "Bytes that a metadata member's Raft log takes on its disk."};
  const auto* leader = leader_of(all);
  for (const auto& m : all.members) {
    const auto& name = m.node.name;
    answers.add_node(m.status ? 1.0 : 0.0, name);
    if (!m.status) continue;
    leads.add_node(m.status->state() == "leader" ? 1.0 : 0.0, name);
    term.add_node(m.status->term(), name);
    commit.add_node(m.status->commit_index(), name);
    applied.add_node(m.status->applied_index(), name);
    recovering.add_node(m.status->recovering() ? 1.0 : 0.0, name);
    segments.add_node(m.status->log_segments(), name);
    bytes.add_node(m.status->log_bytes(), name);
    if (leader == nullptr) continue;
    const auto to_go = leader->commit_index() - std::min(leader->commit_index(), m.status->applied_index());
    lag.add_node(to_go, name);
  }
  for (auto* f : {&answers, &leads, &term, &commit, &applied, &lag, &recovering, &segments, &bytes}) f->give(out);
}

} // namespace

families cluster_metrics(const cluster_survey& all) {
  families out;
  nodes_of(all, out);
  members_of(all, out);
  if (all.epoch) {
    family epoch{"troupe_map_epoch", "The cluster map's epoch: it grows with each change of the map."};
    epoch.add(static_cast<double>(*all.epoch));
    epoch.give(out);
  }
  return out;
}

families healing_metrics(const pb::healing_report& r) {
  family running{"troupe_healing_running", "Whether a job of those who heal the cluster is under way: 1 or 0."};
  family done{"troupe_healing_extents_done", "Extents that the job's walk, this or the last one, has seen to."};
  family size{"troupe_healing_extents_size", "Extents of that walk, by the last one; 0: not known."};
  family rate{"troupe_healing_bytes_per_second", "What the job copies or makes anew, on average over this walk."};
  for (const auto& j : r.jobs()) {
    const family::labels task{{"task", j.name()}}; // not `job`, which is a label of Prometheus' own
    running.add(j.running(), task);
    done.add(j.extents_done(), task);
    size.add(j.extents_total(), task);
    rate.add(j.running() ? j.bytes_per_second() : 0, task);
  }
  families out;
  for (auto* f : {&running, &done, &size, &rate}) f->give(out);
  const auto one = [&](const char* name, const char* help, auto value, auto... type) {
    family f{name, help, type...};
    f.add(value);
    f.give(out);
  };
  one("troupe_healing_reported_seconds", "When those who heal said something new, as a Unix time.",
    static_cast<double>(r.at_ms()) / 1000);
  one("troupe_under_protected_extents", "Extents that have less than their full redundancy.",
    r.under_protected_extents());
  one("troupe_under_protected_objects", "Rows that name such extents.", r.under_protected_objects());
  one("troupe_under_protected_counted", "1: a whole comparison has ended; 0: the two above are of what it has seen.",
    r.counted());
  one("troupe_stuck_extents", "Extents with pieces that have nowhere to go now.", r.stuck());
  one("troupe_nodes_not_compared", "Nodes that returned and were not compared with the records since.",
    static_cast<std::uint64_t>(r.comparing_size()));
  one("troupe_orphan_suspects", "Data ids that no row named, as far as this sweep has come.", r.suspects());
  one(
    "troupe_orphans_removed_total", "Data ids that nothing named and that were removed.", r.orphans_removed(), counter);
  one("troupe_repaired_extents_total", "Extents that were given the pieces they lacked.", r.repaired(), counter);
  one("troupe_repaired_bytes_total", "Bytes of pieces that repairs wrote.", r.repaired_bytes(), counter);
  one("troupe_moved_extents_total", "Extents that were moved: away from lost or drained nodes, or to balance.",
    r.moved(), counter);
  one("troupe_moved_bytes_total", "Bytes of pieces that moves wrote.", r.moved_bytes(), counter);
  one("troupe_reclaimed_rows_total", "Overwritten and deleted versions whose pieces were removed.", r.reclaimed(),
    counter);
  return out;
}

families repair_metrics(std::uint64_t rows) {
  families out;
  family queue{"troupe_repair_queue_extents", "Extents that wait for repair; 1000: so many or more."};
  queue.add(rows);
  queue.give(out);
  return out;
}

} // namespace troupe::metrics
