#include "actors/metadata.hpp"

#include "actors/reply.hpp"

#include <caf/actor_system.hpp>
#include <caf/exit_reason.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <spdlog/spdlog.h>

#include <deque>
#include <functional>
#include <utility>

namespace troupe {
namespace {

using ticking_metadata = metadata_actor::extend<caf::reacts_to<tick_atom>>;
using time_point = caf::actor_clock::time_point;

constexpr std::chrono::seconds checkpoint_retry{5};
constexpr std::size_t waiting_reads_max = 8192;

struct waiting_commit {
  wire<pb::batch> batch;
  std::size_t bytes = 0;
  time_point until;
  reply<wire<pb::batch_result>> answer;
};
struct waiting_read {
  time_point until;
  std::function<void(const result<>& readable)> go_on;
};

struct metadata_state {
  metadata_state() = default;
  static inline const char* name = "metadata";
  metadata_options options;
  std::deque<waiting_commit> queue; // not proposed yet
  std::size_t queue_bytes = 0;
  std::size_t proposed = 0; // entries on their way
  std::deque<waiting_read> reads;
  bool read_round = false; // a barrier for earlier reads is on its way
  bool stopping = false;
  bool failure_told = false;
  time_point checkpoint_again_at;
  std::unique_ptr<metadata_replica> replica;
  std::unique_ptr<raft_host> host; // last: its end answers what is in flight
};

using metadata_pointer = ticking_metadata::stateful_pointer<metadata_state>;

void carry_out(metadata_pointer self);

error refusal(const metadata_state& s) {
  if (auto& f = s.host->failure()) return fail(ec::closed, "this metadata member stopped: " + f->message);
  return fail(ec::closed, "this metadata member is shutting down");
}
bool refuses(const metadata_state& s) { return s.stopping || s.host->failure(); }

// ---- commits -----------------------------------------------------------------------------------------------------

void answer(std::vector<waiting_commit>& commits, std::vector<metadata_machine::batch_outcome> outcomes) {
  for (std::size_t i = 0; i < commits.size(); ++i) {
    if (i >= outcomes.size())
      commits[i].answer(fail(ec::internal, "a batch without an outcome"));
    else if (!outcomes[i])
      commits[i].answer(std::move(outcomes[i]).error());
    else
      commits[i].answer(wire{std::move(*outcomes[i])});
  }
}

// The next entry: as many waiting batches as its bounds allow, at least one.
std::vector<waiting_commit> take_entry(metadata_state& s) {
  std::vector<waiting_commit> taken;
  std::size_t bytes = 0;
  while (!s.queue.empty() && taken.size() < s.options.entry_batches_max) {
    auto& next = s.queue.front();
    if (!taken.empty() && bytes + next.bytes > s.options.entry_bytes_max) break;
    bytes += next.bytes;
    s.queue_bytes -= next.bytes;
    taken.push_back(std::move(next));
    s.queue.pop_front();
  }
  return taken;
}

// A pb::log_entry, without copying every batch into one first.
std::string entry_of(std::uint64_t index, const std::vector<waiting_commit>& commits) {
  pb::log_entry head;
  head.set_index(index);
  auto bytes = head.SerializeAsString();
  constexpr std::uint32_t length_delimited = 2; // the wire type of a message
  {                                             // the streams write their last bytes when they end
    google::protobuf::io::StringOutputStream stream{&bytes};
    google::protobuf::io::CodedOutputStream out{&stream};
    for (auto& c : commits) {
      out.WriteTag(pb::log_entry::kBatchesFieldNumber << 3 | length_delimited);
      out.WriteVarint32(static_cast<std::uint32_t>(c.bytes));
      c.batch->SerializeWithCachedSizes(&out);
    }
  }
  return bytes;
}

// An entry gathers what has come while the one before it was written: the next one is proposed when that has ended,
// but before it is applied (see carry_out), so that the disk works meanwhile.
void propose_waiting(metadata_pointer self, std::size_t entries_max = 1) {
  auto& s = self->state;
  while (!s.queue.empty() && s.proposed < entries_max && s.host->leader() &&
    s.host->held_bytes() < s.options.held_bytes_max) {
    auto commits = std::make_shared<std::vector<waiting_commit>>(take_entry(s));
    auto accepted =
      s.host->propose(as_bytes(entry_of(s.host->last_index() + 1, *commits)), [&s, commits](const result<>& outcome) {
        --s.proposed;
        if (outcome)
          answer(*commits, s.replica->take_outcomes());
        else
          for (auto& c : *commits) c.answer(outcome.error());
      });
    if (accepted)
      ++s.proposed;
    else
      for (auto& c : *commits) c.answer(accepted.error());
  }
}

caf::result<wire<pb::batch_result>> commit(metadata_pointer self, const wire<pb::batch>& batch) {
  auto& s = self->state;
  if (refuses(s)) return to_caf(refusal(s));
  if (auto fine = metadata_machine::check(*batch); !fine) return to_caf(fine.error());
  auto bytes = batch->ByteSizeLong();
  if (s.queue.size() >= s.options.waiting_max || s.queue_bytes + bytes > s.options.waiting_bytes_max)
    return to_caf(fail(ec::slow_down, std::to_string(s.queue.size()) + " commits are waiting for the metadata log"));
  reply<wire<pb::batch_result>> answer{self};
  s.queue_bytes += bytes;
  s.queue.push_back(
    {.batch = batch, .bytes = bytes, .until = self->clock().now() + s.options.patience, .answer = answer});
  carry_out(self);
  return answer.later();
}

// ---- reads -------------------------------------------------------------------------------------------------------

void end_reads(std::deque<waiting_read> reads, const result<>& readable) {
  for (auto& r : reads) r.go_on(readable);
}

// Raft dissertation 6.4: the state may be read once it holds everything that was committed when the read began, by a
// member that still led after that. A group of one: always. Else an empty entry proves it to all waiting reads at once;
// confirming the term by heartbeats would save the entry.
void serve_reads(metadata_pointer self) {
  auto& s = self->state;
  if (s.reads.empty() || s.read_round || !s.host->leader()) return;
  auto round = std::make_shared<std::deque<waiting_read>>(std::exchange(s.reads, {}));
  if (s.host->voters() == 1) return end_reads(std::move(*round), {});
  s.read_round = true;
  auto accepted = s.host->barrier([&s, round](const result<>& outcome) {
    s.read_round = false;
    end_reads(std::move(*round), outcome);
  });
  if (accepted) return;
  s.read_round = false;
  end_reads(std::move(*round), accepted);
}

template <class T>
caf::result<wire<T>> when_readable(metadata_pointer self, std::function<result<T>()> read) {
  auto& s = self->state;
  if (refuses(s)) return to_caf(refusal(s));
  if (s.host->leader() && s.host->voters() == 1) {
    auto found = read();
    if (!found) return to_caf(found.error());
    return wire{std::move(*found)};
  }
  if (s.reads.size() >= waiting_reads_max)
    return to_caf(fail(ec::slow_down, std::to_string(s.reads.size()) + " reads are waiting for a metadata leader"));
  reply<wire<T>> answer{self};
  s.reads.push_back({self->clock().now() + s.options.patience, [answer, read](const result<>& readable) {
                       if (!readable) return answer(readable.error());
                       auto found = read();
                       if (found)
                         answer(wire{std::move(*found)});
                       else
                         answer(std::move(found).error());
                     }});
  carry_out(self);
  return answer.later();
}

// ---- what happens besides ----------------------------------------------------------------------------------------

void refuse_waiting(metadata_state& s, const error& why) {
  s.queue_bytes = 0;
  for (auto& c : std::exchange(s.queue, {})) c.answer(why);
  end_reads(std::exchange(s.reads, {}), why);
}

void expire_waiting(metadata_pointer self) {
  auto& s = self->state;
  auto now = self->clock().now();
  auto why = s.host->leader()
    ? fail(ec::slow_down, "the metadata log has no room until a checkpoint is done")
    : fail(ec::not_leader, "this metadata member does not lead; the leader is '" + s.host->leader_address() + "'");
  while (!s.queue.empty() && s.queue.front().until <= now) {
    s.queue_bytes -= s.queue.front().bytes;
    s.queue.front().answer(why);
    s.queue.pop_front();
  }
  while (!s.reads.empty() && s.reads.front().until <= now) {
    s.reads.front().go_on(why);
    s.reads.pop_front();
  }
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
  auto ended = [self](const result<>& outcome) {
    if (outcome) {
      propose_waiting(self, 2);
      start_sync(self);
    }
    self->state.host->synced(outcome);
    carry_out(self);
  };
  self->request(s.options.syncer, caf::infinite, sync_atom::value, *ticket)
    .then([ended] { ended({}); }, [ended](const caf::error& e) { ended(from_caf(e)); });
}

// Whatever has become possible.
void carry_out(metadata_pointer self) {
  auto& s = self->state;
  propose_waiting(self);
  serve_reads(self);
  start_sync(self);
  if (auto job = s.host->take_checkpoint()) run_checkpoint(self, std::move(job));
  if (auto& f = s.host->failure()) {
    if (!std::exchange(s.failure_told, true)) spdlog::error("metadata: stopped until the next start: {}", f->message);
    refuse_waiting(s, refusal(s));
  }
  if (s.stopping && s.host->idle()) {
    s.host->close();
    self->quit(caf::exit_reason::user_shutdown);
  }
}

void tick(metadata_pointer self) {
  auto& s = self->state;
  if (self->clock().now() >= s.checkpoint_again_at) s.replica->pause_checkpoints(false);
  s.host->tick();
  expire_waiting(self);
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
  return wire{std::move(out)};
}

struct opened {
  std::unique_ptr<metadata_replica> replica;
  std::unique_ptr<raft_host> host;
};

ticking_metadata::behavior_type metadata(
  metadata_pointer self, metadata_options options, std::shared_ptr<opened> parts) {
  auto& s = self->state;
  s.options = std::move(options);
  s.replica = std::move(parts->replica);
  s.host = std::move(parts->host);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([self](caf::exit_msg&) {
    if (std::exchange(self->state.stopping, true)) return;
    refuse_waiting(self->state, refusal(self->state));
    carry_out(self);
  });
  self->delayed_send(self, s.options.heartbeat, tick_atom::value);
  carry_out(self);
  return {
    [self](read_atom, const wire<pb::read_request>& request) {
      return when_readable<pb::read_reply>(self, [&r = self->state.replica, request] { return r->read(*request); });
    },
    [self](list_atom, const wire<pb::list_request>& request) {
      return when_readable<pb::list_reply>(self, [&r = self->state.replica, request] { return r->list(*request); });
    },
    [self](commit_atom, const wire<pb::batch>& batch) { return commit(self, batch); },
    [self](status_atom) { return status_of(self->state); },
    [self](tick_atom) { tick(self); },
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
  how.members = options.members;
  how.heartbeat_ms = static_cast<unsigned>(options.heartbeat.count());
  how.election_ms = static_cast<unsigned>(options.election.count());
  how.segment_bytes = options.segment_bytes;
  auto host = raft_host::open(std::move(how), *parts->replica);
  if (!host) return std::move(host).error();
  parts->host = std::move(*host);
  auto detached = options.detached;
  return caf::actor_cast<metadata_actor>(detached ? system.spawn<caf::detached>(metadata, std::move(options), parts)
                                                  : system.spawn(metadata, std::move(options), parts));
}

} // namespace troupe
