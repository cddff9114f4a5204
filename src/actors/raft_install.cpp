// A state that came from the leader takes the place of log and state. In this order: the intent (a small file), the
// state (by the owner), the log and the manifest, the intent goes. open() finishes what a crash interrupted:
// raft_disk::load() goes forward when the state is already the new one, back when it is not.

#include "actors/raft_host_impl.hpp"

#include <utility>

namespace troupe {

result<> raft_host::prepare_install(const pb::raft_manifest& m) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  if (!x.fetching) return fail(ec::bad_argument, "no state was asked for");
  if (x.current || !idle()) return fail(ec::unavailable, "a checkpoint or an append is under way");
  auto candidate = *x.fetching;
  auto& install = *candidate.mutable_install_snapshot();
  if (install.term() < x.raft.current_term || x.raft.state != RAFT_FOLLOWER)
    return fail(ec::unavailable, "the leader that offered the state leads no longer");
  if (m.index() < install.manifest().index() || m.index() <= x.raft.last_applied)
    return fail(ec::unavailable, "the copied state is older than what is here, or than what the leader has forgotten");
  if (x.log_term_of(m.index()) >= m.term())
    return fail(ec::unavailable, "the log holds an entry of a later term there");
  *install.mutable_manifest() = m;
  TROUPE_TRY(raft_wire::check(candidate));
  auto written = x.disk_state->intend(m);
  if (!written) {
    x.note_failure(written.error());
    x.settle();
  }
  return written;
}

result<> raft_host::install(const pb::raft_manifest& m) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  if (!x.fetching) return fail(ec::bad_argument, "no state was asked for");
  if (x.machine.checkpointed_index() != m.index()) {
    x.note_failure(fail(ec::corrupt,
      "the state that came from the leader holds everything up to entry " +
        std::to_string(x.machine.checkpointed_index()) + ", not " + std::to_string(m.index())));
    x.settle();
    return *x.failed;
  }
  auto message = *std::exchange(x.fetching, std::nullopt);
  *message.mutable_install_snapshot()->mutable_manifest() = m;
  x.take(message);
  auto done = x.failed ? result<>{*x.failed} : x.disk_state->reset_to(m);
  if (!done) x.note_failure(done.error());
  if (auto* request = std::exchange(x.install_request, nullptr)) {
    auto* buffers = std::exchange(x.install_buffers, nullptr);
    request->cb(request, done ? 0 : RAFT_IOERR);
    if (!done) raft_free(buffers);
  }
  if (!x.failed && x.raft.last_applied != m.index())
    x.note_failure(fail(ec::internal, "Raft did not take the state of entry " + std::to_string(m.index())));
  x.settle();
  return done;
}

void raft_host::abandon_install() {
  auto& x = *impl_;
  x.fetching.reset();
  if (x.failed || x.closed) return;
  // It must not be found after the state has grown by itself: that would look like a state that was replaced.
  if (auto gone = x.disk_state->forget_intent(); !gone) x.note_failure(std::move(gone).error());
  x.settle();
}

void raft_host::fail_install(error why) {
  impl_->note_failure(std::move(why));
  impl_->settle();
}

const pb::raft_manifest* raft_host::manifest() const {
  const auto& m = impl_->disk_state->manifest();
  return m && m->index() == impl_->machine.checkpointed_index() ? &*m : nullptr;
}

} // namespace troupe
