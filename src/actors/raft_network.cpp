// raft_host and the other members: what is sent, what is let through to libraft, and ReadIndex, which libraft does not
// have. Nothing is sent from inside libraft: io.send puts it aside, the end of every public call sends it.

#include "actors/raft_host_impl.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

// ---- out ---------------------------------------------------------------------------------------------------------

int raft_host::impl::send(raft_io_send* request, const ::raft_message& m, raft_io_send_cb cb) {
  if (failed || closed || !options.send || unsent.size() >= unsent_max) return RAFT_NOCONNECTION;
  auto encoded = raft_wire::encode(m);
  if (!encoded) return RAFT_INVALID;
  encoded->set_from(options.id);
  encoded->set_from_address(raft.address);
  encoded->set_to(m.server_id);
  if (m.type == RAFT_IO_APPEND_ENTRIES_RESULT && m.append_entries_result.rejected == 0) {
    auto& answer = *encoded->mutable_append_entries_result();
    answer.set_last_log_index(std::min<std::uint64_t>(answer.last_log_index(), agreed_index()));
  }
  // libraft repeats the term that it was asked about.
  if (m.type == RAFT_IO_REQUEST_VOTE_RESULT && !m.request_vote_result.vote_granted)
    encoded->mutable_request_vote_result()->set_term(
      std::max<std::uint64_t>(m.request_vote_result.term, raft.current_term));
  if (m.type == RAFT_IO_APPEND_ENTRIES) {
    auto sent = static_cast<unsigned>(encoded->append_entries().entries_size());
    if (sent < m.append_entries.n_entries) cut_at.emplace_back(m.server_id, m.append_entries.prev_log_index + 1 + sent);
  }
  // Without a callback the request may be gone before it is answered.
  unsent.push_back({cb == nullptr ? nullptr : request, cb, m.server_id, m.server_address, std::move(*encoded)});
  return 0;
}

void raft_host::impl::flush() {
  // libraft believes that it has sent everything; what was cut off goes out when this much was acknowledged.
  for (auto [member, next] : std::exchange(cut_at, {})) {
    if (raft.state != RAFT_LEADER) break;
    for (unsigned i = 0; i < raft.configuration.n; ++i)
      if (raft.configuration.servers[i].id == member) {
        auto& p = raft.leader_state.progress[i];
        p.next_index = std::min<raft_index>(p.next_index, std::max<raft_index>(next, p.match_index + 1));
      }
  }
  auto all = std::exchange(unsent, {});
  for (auto& m : all)
    if (m.request != nullptr) m.done(m.request, 0);
  for (auto& m : all) options.send(m.to, m.address, std::move(m.message));
}

void raft_host::impl::drop_unsent(int status) {
  cut_at.clear();
  for (auto lost = std::exchange(unsent, {}); auto& m : lost)
    if (m.request != nullptr) m.done(m.request, status);
}

void raft_host::impl::send_own(const pb::raft_manifest::server& to, pb::raft_message m) {
  if (!options.send || unsent.size() >= unsent_max) return;
  m.set_from(options.id);
  m.set_from_address(raft.address);
  m.set_to(to.id());
  unsent.push_back({nullptr, nullptr, to.id(), to.address(), std::move(m)});
}

// ---- in ----------------------------------------------------------------------------------------------------------

result<> raft_host::receive(const pb::raft_message& m) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  TROUPE_TRY(raft_wire::check(m));
  if (m.to() != x.options.id) return fail(ec::bad_argument, "Raft message: for member " + std::to_string(m.to()));
  x.keep_vote();
  if (m.has_confirm())
    x.on_confirm(m);
  else if (m.has_confirmed())
    x.on_confirmed(m);
  else if (x.passes(m))
    x.take(m);
  x.release_held_back();
  x.settle();
  return {};
}

// Every reason not to show a message to libraft. It may be lost, so each of them is safe.
bool raft_host::impl::passes(const pb::raft_message& m) {
  auto same_term_leader = [&](std::uint64_t term) { return raft.state == RAFT_LEADER && term == raft.current_term; };
  switch (m.payload_case()) {
  case pb::raft_message::kRequestVote: return !recovering && !votes_twice(m);
  case pb::raft_message::kTimeoutNow: return !recovering && known(m.from());
  case pb::raft_message::kRequestVoteResult: {
    const auto& r = m.request_vote_result();
    if (raft.state != RAFT_CANDIDATE || !known(m.from())) return false;
    catch_up_with_term(r);
    if (failed || !r.granted()) return !failed;
    // A pre-vote promises nothing: it must not count in the election that follows it in the same term.
    return r.pre_vote() ==
      (raft.candidate_state.in_pre_vote ? pb::raft_request_vote_result::yes : pb::raft_request_vote_result::no);
  }
  case pb::raft_message::kAppendEntriesResult:
    if (!known(m.from())) return false;
    if (too_early_to_count(m)) {
      if (held_back.size() < held_back_max) held_back.push_back(m);
      return false;
    }
    forget_lost_log(m);
    return true;
  case pb::raft_message::kAppendEntries: return !same_term_leader(m.append_entries().term());
  case pb::raft_message::kInstallSnapshot: {
    const auto& s = m.install_snapshot();
    if (same_term_leader(s.term())) return false;
    if (s.term() < raft.current_term || raft.log.snapshot.last_index >= s.manifest().index() ||
      log_term_of(s.manifest().index()) == s.manifest().term())
      return true; // libraft tells the leader where we are
    // libraft would keep what it has; the next snapshot is of a later term.
    if (log_term_of(s.manifest().index()) > s.manifest().term()) return false;
    // The state first, then libraft. One at a time, and not beside a checkpoint of ours; the leader asks again.
    if (!options.fetch_state || fetching || current) return false;
    fetching = m;
    options.fetch_state(m.from(), m.from_address(), s.manifest());
    return false;
  }
  default: return false;
  }
}

void raft_host::impl::take(const pb::raft_message& m) {
  if (m.has_append_entries()) {
    const auto& entries = m.append_entries();
    if (entries.term() >= raft.current_term)
      told_commit = std::max<std::uint64_t>(told_commit, entries.leader_commit());
    if (entries.entries_size() > 0 && (fetching || !room_for(entries))) {
      auto heartbeat = m; // libraft would give up for good on a full disk
      heartbeat.mutable_append_entries()->clear_entries();
      return take(heartbeat);
    }
    if (entries.prev_log_index() < raft.log.offset)
      if (auto rest = m; skips_snapshot(*rest.mutable_append_entries())) return take(rest);
    roll_back_configuration(entries);
    if (follows_on(entries))
      note_agreement(entries.term(), entries.prev_log_index() + static_cast<std::uint64_t>(entries.entries_size()));
  }
  if (m.has_install_snapshot() && m.install_snapshot().term() >= raft.current_term)
    note_agreement(m.install_snapshot().term(), m.install_snapshot().manifest().index());
  // A pre-vote is about a later term: the vote of this one is no obstacle, and it is not given away (keep_vote()).
  if (m.has_request_vote() && m.request_vote().pre_vote()) raft.voted_for = 0;
  append_refused.reset();
  auto decoded = raft_wire::decode(m);
  if (!decoded) return; // out of memory
  if (failed) return raft_wire::release(*decoded);
  on_receive(&io, &*decoded);
}

void raft_host::impl::release_held_back() {
  for (auto all = std::exchange(held_back, {}); const auto& m : all)
    if (!failed && !closed && passes(m)) take(m); // passes() may hold it back once more
}

// ---- ReadIndex ---------------------------------------------------------------------------------------------------
//
// Why it is safe (Raft dissertation 6.4). The leader of term T has committed an entry of T, so its commit index covers
// everything that was acknowledged before T began, and everything acknowledged in T went through itself. What remains is
// that a leader of a later term has acknowledged something already. That one was elected by a majority of voters; one of
// them is in the majority that answers this round, and it answered "my term is T, and you lead it" after the round had
// begun, so it voted for the later leader after that, too: whatever the later leader acknowledged is younger than the
// round, and the read need not see it. For that, no two members may lead in one term (raft_guard.cpp), answers count
// for their own round only, and a reader joins only a round that has not begun. The read index is the commit index at the
// beginning of the round; the state is read once it is applied.

bool raft_host::confirming() const { return impl_->reading.has_value(); }

bool raft_host::committed_in_term() const {
  return impl_->raft.commit_index > 0 && impl_->log_term_of(impl_->raft.commit_index) == impl_->raft.current_term;
}

result<> raft_host::confirm(on_index done) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  if (!leader() || !committed_in_term()) return x.outcome_of(RAFT_NOTLEADER);
  if (x.reading) return fail(ec::conflict, "a round of reads is under way");
  x.reading.emplace();
  x.reading->number = ++x.rounds;
  x.reading->term = x.raft.current_term;
  x.reading->index = x.raft.commit_index;
  x.reading->done = std::move(done);
  x.ask_to_confirm();
  x.flush();
  return {};
}

void raft_host::impl::ask_to_confirm() {
  pb::raft_message m;
  m.mutable_confirm()->set_term(reading->term);
  m.mutable_confirm()->set_round(reading->number);
  pb::raft_manifest all;
  raft_wire::add_servers(all, raft.configuration);
  for (const auto& s : all.servers())
    if (s.id() != options.id && s.role() == RAFT_VOTER && !reading->confirmed.contains(s.id())) send_own(s, m);
}

void raft_host::impl::on_confirm(const pb::raft_message& m) {
  if (raft.state != RAFT_FOLLOWER || raft.current_term != m.confirm().term() ||
    raft.follower_state.current_leader.id != m.from())
    return;
  pb::raft_manifest::server leader;
  leader.set_id(m.from());
  leader.set_address(m.from_address());
  pb::raft_message answer;
  *answer.mutable_confirmed() = m.confirm();
  send_own(leader, std::move(answer));
}

void raft_host::impl::on_confirmed(const pb::raft_message& m) {
  if (reading && m.confirmed().term() == reading->term && m.confirmed().round() == reading->number)
    reading->confirmed.insert(m.from());
}

void raft_host::impl::settle_reads() {
  if (!reading) return;
  if (failed || closed || raft.state != RAFT_LEADER || raft.current_term != reading->term) {
    auto lost = std::move(*std::exchange(reading, std::nullopt));
    return lost.done(failed || closed ? outcome_of(RAFT_SHUTDOWN) : outcome_of(RAFT_NOTLEADER));
  }
  std::size_t voters = 0, agree = 0;
  for (unsigned i = 0; i < raft.configuration.n; ++i) {
    const auto& s = raft.configuration.servers[i];
    if (s.role != RAFT_VOTER) continue;
    ++voters;
    if (s.id == options.id || reading->confirmed.contains(s.id)) ++agree;
  }
  if (agree <= voters / 2 || raft.last_applied < reading->index) return;
  auto round = std::move(*std::exchange(reading, std::nullopt));
  round.done(round.index);
}

} // namespace troupe
