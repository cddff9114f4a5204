#include "actors/metadata.hpp"

#include "actors/census.hpp"
#include "actors/metadata_state.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>

#include <spdlog/spdlog.h>

#include <utility>

namespace troupe {

error refusal(const metadata_state& s) {
  if (auto& f = s.host->failure()) return fail(ec::closed, "this metadata member stopped: " + f->message);
  return fail(ec::closed, "this metadata member is shutting down");
}

bool led_elsewhere(const metadata_state& s) {
  auto leader = s.host->leader_id();
  return leader != 0 && leader != s.options.id;
}

// Ends with what a caller can look for; pb::metadata_status says the same in fields.
error not_leader(const metadata_state& s) {
  auto known = led_elsewhere(s) ? std::to_string(s.host->leader_id()) + "@" + s.host->leader_address() : "unknown";
  return fail(ec::not_leader, "this metadata member does not lead; leader=" + known);
}

namespace {

constexpr std::chrono::seconds checkpoint_retry{5};

void refuse_waiting(metadata_state& s, const error& why) {
  refuse_commits(s, why);
  refuse_reads(s, why);
}

void expire_waiting(metadata_pointer self) {
  auto& s = self->state;
  auto now = self->clock().now();
  auto why =
    s.host->leader() ? fail(ec::slow_down, "the metadata log has no room until a checkpoint is done") : not_leader(s);
  expire_commits(s, now, why);
  expire_reads(s, now, why);
}

void run_checkpoint(metadata_pointer self, std::function<result<>()> job) {
  auto ended = [self](const result<>& outcome) {
    auto& s = self->state;
    if (!outcome) {
      spdlog::error(
        "metadata: checkpoint failed, next try in {} s: {}", checkpoint_retry.count(), outcome.error().message);
      s.replica->pause_checkpoints(true);
      s.checkpoint_again_at = self->clock().now() + checkpoint_retry;
    }
    s.host->checkpointed(outcome);
    carry_out(self);
  };
  // The job outlives this actor when that is killed.
  auto held = [job = std::move(job), files = self->state.options.files] { return job(); };
  self->request(self->state.options.worker, caf::infinite, run_atom::value, work{std::move(held)})
    .then([ended] { ended({}); }, [ended](const caf::error& e) { ended(from_caf(e)); });
}

// Requests to syncer and worker have no timeout: both are local, and a dead one answers.
void start_sync(metadata_pointer self) {
  auto& s = self->state;
  auto ticket = s.host->take_sync();
  if (!ticket) return;
  s.pacing.sync_started(self->clock().now());
  auto ended = [self](const result<>& outcome) {
    auto& host = *self->state.host;
    self->state.pacing.sync_ended(self->clock().now());
    // A member that decides alone answers first unless half of what is on its way waits: those who got their answers bring
    // the next batches, and a sync for each handful of them would cost more than what the disk could do meanwhile. Others
    // have theirs to wait for.
    if (outcome && (!host.alone() || 2 * self->state.queue.size() >= self->state.proposed_commits)) {
      propose_waiting(self, 2);
      start_sync(self);
    }
    host.synced(outcome);
    carry_out_soon(self);
  };
  self->request(s.options.syncer, caf::infinite, sync_atom::value, *ticket)
    .then([ended] { ended({}); }, [ended](const caf::error& e) { ended(from_caf(e)); });
}

// A leader that stops waits for what it has proposed and hands over, so that the others need not notice that it is gone.
bool may_stop(metadata_pointer self) {
  auto& s = self->state;
  if (s.host->leader() && s.host->voters() > 1 && self->clock().now() < s.stop_by) {
    if (!s.proposed.empty()) return false;
    if (!std::exchange(s.handing_over, true))
      s.handed_over = !s.host->transfer(0, [&s](const result<>&) { s.handed_over = true; });
    if (!s.handed_over) return false;
  }
  return s.host->idle();
}

} // namespace

void carry_out(metadata_pointer self) {
  auto& s = self->state;
  go_on_promoting(self);
  propose_waiting(self);
  serve_reads(self);
  start_sync(self);
  if (auto job = s.host->take_checkpoint()) run_checkpoint(self, std::move(job));
  if (auto& f = s.host->failure()) {
    if (!std::exchange(s.failure_told, true)) spdlog::error("metadata: stopped until the next start: {}", f->message);
    refuse_waiting(s, refusal(s));
  } else if (led_elsewhere(s)) {
    refuse_waiting(s, not_leader(s));
  }
  if (s.stopping && may_stop(self)) {
    s.host->close();
    self->quit(caf::exit_reason::user_shutdown);
  }
}

void carry_out_soon(metadata_pointer self) {
  if (!std::exchange(self->state.gathering, true)) self->send(self, gathered{});
}

namespace {

void tick(metadata_pointer self) {
  auto& s = self->state;
  if (self->clock().now() >= s.checkpoint_again_at) s.replica->pause_checkpoints(false);
  s.host->tick();
  expire_waiting(self);
  expire_copies(s, self->clock().now());
  expire_fetch(self, self->clock().now());
  carry_out(self);
  self->delayed_send(self, s.options.heartbeat, tick_atom::value);
}

wire<pb::metadata_status> status_of(const metadata_state& s) {
  pb::metadata_status out;
  out.set_state(s.host->state_name());
  out.set_term(s.host->term());
  out.set_commit_index(s.host->commit_index());
  out.set_applied_index(s.host->applied_index());
  out.set_checkpoint_index(s.replica->checkpointed_index());
  out.set_leader(s.host->leader_address());
  out.set_leader_id(s.host->leader_id());
  out.set_id(s.options.id);
  for (auto& m : s.host->members()) *out.add_members() = std::move(m);
  out.set_recovering(s.host->recovering());
  for (auto& segment : s.host->log_segments()) {
    out.set_log_segments(out.log_segments() + 1);
    out.set_log_bytes(out.log_bytes() + segment.bytes);
  }
  return wire{std::move(out)};
}

struct opened {
  // raft_host is made before the actor is; this is filled in by the actor.
  std::shared_ptr<std::function<void(std::uint64_t, const std::string&)>> fetch_state =
    std::make_shared<std::function<void(std::uint64_t, const std::string&)>>();
  std::unique_ptr<metadata_replica> replica;
  std::unique_ptr<raft_host> host;
};

ticking_metadata::behavior_type metadata(
  metadata_pointer self, metadata_options options, std::shared_ptr<opened> parts) {
  auto& s = self->state;
  s.options = std::move(options);
  s.replica = std::move(parts->replica);
  s.host = std::move(parts->host);
  s.replica->take_entries_from([&s](std::uint64_t index) {
    auto* mine = proposed_at(s, index);
    return mine == nullptr ? nullptr : &mine->entry;
  });
  s.replica->on_outcome([&s](std::uint64_t index, metadata_machine::batch_outcome o) {
    if (auto* mine = proposed_at(s, index)) note_outcome(*mine, std::move(o));
  });
  *parts->fetch_state = [self](
                          std::uint64_t member, const std::string& address) { start_fetch(self, member, address); };
  self->set_default_handler(caf::drop);
  self->set_exit_handler([self](caf::exit_msg&) {
    if (std::exchange(self->state.stopping, true)) return;
    self->state.stop_by = self->clock().now() + 2 * self->state.options.election;
    refuse_waiting(self->state, refusal(self->state));
    carry_out(self);
  });
  self->delayed_send(self, s.options.heartbeat, tick_atom::value);
  carry_out(self);
  return {
    [self](read_atom, const wire<pb::read_request>& request) { return read(self, request); },
    [self](list_atom, const wire<pb::list_request>& request) { return list(self, request); },
    [self](commit_atom, const wire<pb::batch>& batch) { return commit(self, batch); },
    [self](status_atom) { return status_of(self->state); },
    [self](raft_atom, const wire<pb::raft_message>& m) {
      if (auto taken = self->state.host->receive(*m); !taken && !refuses(self->state))
        spdlog::warn("metadata: from member {}: {}", m->from(), taken.error().message);
      carry_out(self);
    },
    [self](copy_atom, const wire<pb::state_copy_request>& request) { return serve_copy(self, request); },
    [self](members_atom, const wire<pb::member_change>& change) { return change_members(self, change); },
    [self](tick_atom) { tick(self); },
    [self](gathered) {
      self->state.gathering = false;
      carry_out(self);
    },
    [self](const fetched& arrived) {
      on_fetched(self, arrived);
      carry_out(self);
    },
  };
}

} // namespace

result<metadata_actor> spawn_metadata(caf::actor_system& system, metadata_options options) {
  auto parts = std::make_shared<opened>();
  auto replica = metadata_replica::open(options.base, options.checkpoint);
  if (!replica) return std::move(replica).error();
  parts->replica = std::move(*replica);
  raft_host_options how;
  how.files = options.files.get();
  how.directory = options.directory;
  how.random = options.random != nullptr ? options.random : &system_entropy();
  how.now_ms = [&system] {
    return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(system.clock().now().time_since_epoch()).count());
  };
  how.id = options.id;
  how.address = options.address;
  how.members = options.members;
  how.bootstrap = options.bootstrap;
  how.recovering = options.recovering;
  if (options.send)
    how.send = [send = options.send](std::uint64_t member, const std::string& address, pb::raft_message m) {
      send(member, address, wire{std::move(m)});
    };
  if (options.fetch)
    how.fetch_state = [start = parts->fetch_state](std::uint64_t member, const std::string& address,
                        const pb::raft_manifest&) { (*start)(member, address); };
  how.held_bytes_max = 4 * options.held_bytes_max;
  how.trailing = options.trailing_entries;
  how.trailing_bytes = options.trailing_bytes;
  how.heartbeat_ms = static_cast<unsigned>(options.heartbeat.count());
  how.election_ms = static_cast<unsigned>(options.election.count());
  how.segment_bytes = options.segment_bytes;
  auto host = raft_host::open(std::move(how), *parts->replica);
  if (!host) return std::move(host).error();
  parts->host = std::move(*host);
  auto detached = options.detached;
  return caf::actor_cast<metadata_actor>(detached
      ? spawn_counted<caf::detached>(system, metadata, std::move(options), parts)
      : spawn_counted(system, metadata, std::move(options), parts));
}

} // namespace troupe
