#include "api/metrics/process_metrics.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace troupe::metrics {

namespace {

// Fields of /proc/self/stat, counted as proc(5) does, from 1; empty when it cannot be read.
std::vector<std::string> process_fields() {
  std::ifstream in{"/proc/self/stat"};
  std::string line;
  std::getline(in, line);
  const auto end_of_name = line.rfind(')'); // a name may hold blanks
  if (end_of_name == std::string::npos) return {};
  std::vector<std::string> fields{"", "", ""}; // so that [3] is the state
  for (std::size_t at = end_of_name + 2, end = 0; end != std::string::npos; at = end + 1) {
    end = line.find(' ', at);
    fields.push_back(line.substr(at, end - at));
  }
  return fields;
}

void take(families& all, families more) { std::move(more.begin(), more.end(), std::back_inserter(all)); }

} // namespace

families machine_metrics() {
  families out;
  const auto fields = process_fields();
  if (fields.size() > 24) {
    const auto number = [&](std::size_t field) { return std::stod(fields[field]); };
    family cpu{"process_cpu_seconds_total", "Processor time, of users and the kernel.", counter};
    cpu.add((number(14) + number(15)) / static_cast<double>(::sysconf(_SC_CLK_TCK)));
    cpu.give(out);
    family threads{"process_threads", "Threads of this process."};
    threads.add(number(20));
    threads.give(out);
    family resident{"process_resident_memory_bytes", "Memory that this process has in use."};
    resident.add(number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    resident.give(out);
  }
  std::error_code gone;
  std::filesystem::directory_iterator open{"/proc/self/fd", gone};
  if (!gone) {
    family descriptors{"process_open_fds", "Open file descriptors: connections, logs, databases."};
    descriptors.add(static_cast<double>(std::distance(begin(open), end(open))));
    descriptors.give(out);
  }
  return out;
}

families actor_metrics(const pb::process_status& s) {
  family actors{"troupe_actors", "Actors of a kind that live in this process."};
  family queued{"troupe_actor_mailbox_messages", "Messages that wait for the actors of a kind, all together."};
  family longest{"troupe_actor_mailbox_longest", "Messages that wait for the one actor of a kind with the most."};
  for (const auto& a : s.actors()) {
    const family::labels kind{{"kind", a.name()}};
    actors.add(a.instances(), kind);
    queued.add(a.queued(), kind);
    longest.add(a.longest_queue(), kind);
  }
  family connected{"troupe_peer_connected", "Whether a connection to another process is there: 1 or 0."};
  family bytes{"troupe_peer_queued_bytes", "Bytes to another process that no connection has taken yet."};
  family unanswered{"troupe_peer_unanswered_requests", "Requests to another process without an answer yet."};
  for (const auto& q : s.queues()) {
    const family::labels peer{{"peer", q.node()}, {"plane", q.plane()}};
    connected.add(q.connected(), peer);
    bytes.add(q.queued_bytes(), peer);
    unanswered.add(q.unanswered(), peer);
  }
  families out;
  for (auto* f : {&actors, &queued, &longest, &connected, &bytes, &unanswered}) f->give(out);
  return out;
}

families sync_metrics(const process_sources& from) {
  family all{"troupe_log_sync_seconds", "Time that one fsync of a log took, of those that succeeded.", histogram};
  for (const auto& [log, took] : from.syncs) all.add(*took, {{"log", log}});
  families out;
  all.give(out);
  return out;
}

families volume_metrics(const std::vector<volume_facts>& volumes) {
  family primary{"troupe_volume_primary", "Whether this process is the primary of a volume of shards: 1 or 0."};
  family token{"troupe_volume_token", "The fencing token of a volume's primary, as this process saw it last."};
  family shards{"troupe_volume_shards", "Shards of a volume by state, as its primary counted them a second ago."};
  family open{"troupe_volume_open_shards", "Shards of a volume that this process has open."};
  family free{"troupe_volume_free_bytes", "Room on a volume's file system."};
  family total{"troupe_volume_size_bytes", "Size of a volume's file system."};
  family replays{"troupe_volume_replays_total", "Logs of shards that were replayed to write to them.", counter};
  family replayed{"troupe_volume_replayed_bytes_total", "Bytes of the logs that were replayed.", counter};
  family taken{"troupe_volume_leases_taken_total", "Times that this process became a volume's primary.", counter};
  family ended{"troupe_volume_leases_ended_total", "Times that it was no more: lost, or given back.", counter};
  family lag{"troupe_volume_replica_lag_seconds",
    "How old the oldest shard is that a backup has open, after it caught up: 0 with none open; absent on the primary."};
  family snapshots{"troupe_volume_snapshots_total",
    "Snapshots that this process made, regular ones and others, or failed to.", counter};
  family newest{
    "troupe_volume_last_snapshot_seconds", "When the newest snapshot was made, as Unix time; of the primary."};
  for (const auto& v : volumes) {
    const family::labels volume{{"volume", v.row.id()}};
    if (v.lag) lag.add(std::chrono::duration<double>{*v.lag}.count(), volume);
    snapshots.add(v.snapshots.made, {{"volume", v.row.id()}, {"outcome", "made"}});
    snapshots.add(v.snapshots.failed, {{"volume", v.row.id()}, {"outcome", "failed"}});
    if (v.snapshots.newest != 0) newest.add(static_cast<double>(v.snapshots.newest) / 1000, volume);
    primary.add(v.primary, volume);
    token.add(v.row.token(), volume);
    open.add(static_cast<std::uint64_t>(v.open_shards), volume);
    free.add(v.space.free_bytes, volume);
    total.add(v.space.total_bytes, volume);
    replays.add(v.counts.replays, volume);
    replayed.add(v.counts.replayed_bytes, volume);
    taken.add(v.counts.taken, volume);
    ended.add(v.counts.ended, volume);
    if (!v.states) continue;
    for (const auto& [name, n] : {std::pair{"active", v.states->active}, std::pair{"read_only", v.states->read_only},
           std::pair{"deleted", v.states->deleted}})
      shards.add(n, {{"volume", v.row.id()}, {"state", name}});
  }
  families out;
  for (auto* f :
    {&primary, &token, &shards, &open, &free, &total, &replays, &replayed, &taken, &ended, &lag, &snapshots, &newest})
    f->give(out);
  return out;
}

families trace_metrics(const tracer::counts& c) {
  family spans{"troupe_trace_spans_total",
    "Spans that have ended: sent to the collector, lost on the way to it, or dropped because too many waited.",
    counter};
  spans.add(c.sent, {{"outcome", "sent"}});
  spans.add(c.lost, {{"outcome", "lost"}});
  spans.add(c.dropped, {{"outcome", "dropped"}});
  families out;
  spans.give(out);
  return out;
}

families certificate_metrics(const process_sources& from) {
  family until{"troupe_certificate_end_seconds", "When a certificate of this process expires, in Unix time."};
  for (const auto& [purpose, end_of] : from.certificate_ends)
    if (const auto end = end_of(); end != 0) until.add(static_cast<double>(end) / 1000, {{"purpose", purpose}});
  families out;
  until.give(out);
  return out;
}

families process_metrics(const process_sources& from) {
  auto all = machine_metrics();
  if (from.controls) take(all, actor_metrics(from.controls->status()));
  take(all, sync_metrics(from));
  if (from.volumes) take(all, volume_metrics(from.volumes()));
  if (from.tracing) take(all, trace_metrics(from.tracing->count()));
  take(all, certificate_metrics(from));
  return all;
}

} // namespace troupe::metrics
