// What libraft 0.15 leaves open and a group of several members must not. Each function names the hole that it closes;
// docs/decisions/0005-libraft-in-an-actor.md lists them. They look into libraft's public structs, and change a few fields
// of them, always between two calls into libraft.

#include "actors/raft_host_impl.hpp"

#include "store/disk.hpp"

#include <algorithm>

namespace troupe {

const raft_entry* raft_host::impl::log_entry(std::uint64_t index) const {
  const auto& l = raft.log;
  auto n = l.front <= l.back ? l.back - l.front : l.size - l.front + l.back;
  if (index <= l.offset || index > l.offset + n) return nullptr;
  return &l.entries[(l.front + static_cast<std::size_t>(index - l.offset - 1)) % l.size];
}

std::uint64_t raft_host::impl::log_term_of(std::uint64_t index) const {
  if (index != 0 && index == raft.log.snapshot.last_index) return raft.log.snapshot.last_term;
  const auto* e = log_entry(index);
  return e == nullptr ? 0 : e->term;
}

std::uint64_t raft_host::impl::change_before(std::uint64_t index) const {
  for (--index; index > raft.log.offset; --index)
    if (const auto* e = log_entry(index); e != nullptr && e->type == RAFT_CHANGE) return index;
  return 0;
}

bool raft_host::impl::lone_voter() const {
  std::size_t voters = 0;
  bool here = false;
  for (unsigned i = 0; i < raft.configuration.n; ++i)
    if (raft.configuration.servers[i].role == RAFT_VOTER) {
      ++voters;
      here |= raft.configuration.servers[i].id == options.id;
    }
  return here && voters == 1;
}

bool raft_host::impl::known(std::uint64_t member) const {
  const auto& c = raft.configuration;
  return std::any_of(c.servers, c.servers + c.n, [&](auto& s) { return s.id == member; });
}

// ---- terms and votes ---------------------------------------------------------------------------------------------

// A lone voter becomes leader of the term that it has, in which somebody else may have led, or it itself before a crash: a
// standby could hold an entry of that leader at an index and term where this one writes another. So: a new term.
void raft_host::impl::new_term_alone() {
  auto term = raft.current_term + 1;
  if (auto written = disk_state->set_vote(term, options.id); !written) return note_failure(std::move(written).error());
  raft.current_term = term;
  raft.voted_for = options.id;
}

void raft_host::impl::before_tick() {
  keep_vote();
  if (raft.state != RAFT_FOLLOWER) return;
  if (recovering) raft.election_timer_start = io.time(&io); // never a candidate
  // In libraft's words: its election timer has expired and it will be a candidate in this tick.
  if (lone_voter() && io.time(&io) - raft.election_timer_start >= raft.follower_state.randomized_election_timeout)
    new_term_alone();
}

// The pre-vote phase takes the vote of the current term back (set_vote(0)), and another candidate of that very term could
// get it. What is on disk counts.
void raft_host::impl::keep_vote() {
  if (disk_state->term() == raft.current_term) raft.voted_for = disk_state->voted_for();
}

// Whoever asks for pre-votes in an old term is refused for that by all who are ahead, and must learn of it: it may be the
// only one whose log is complete. It asks about the term after its own.
void raft_host::impl::catch_up_with_term(const pb::raft_request_vote_result& r) {
  if (!raft.candidate_state.in_pre_vote || r.granted() || r.term() <= raft.current_term + 1) return;
  if (auto written = disk_state->set_vote(r.term(), 0); !written) return note_failure(std::move(written).error());
  raft.current_term = r.term();
  raft.voted_for = 0;
}

// A leader that hands over votes for its successor whether or not it has voted in that term.
bool raft_host::impl::votes_twice(const pb::raft_message& m) const {
  return !m.request_vote().pre_vote() && m.request_vote().term() <= raft.current_term && raft.voted_for != 0 &&
    raft.voted_for != m.from();
}

// ---- the log -----------------------------------------------------------------------------------------------------

// Before the leader's own first entry is on its disk, libraft would commit entries of earlier terms because a majority
// has them (the paper's figure 8: they can still be overwritten).
bool raft_host::impl::too_early_to_count(const pb::raft_message& m) const {
  return raft.state == RAFT_LEADER && m.append_entries_result().term() == raft.current_term &&
    m.append_entries_result().rejected() == 0 && raft.last_stored > raft.commit_index &&
    log_term_of(raft.last_stored) != raft.current_term;
}

// A leader of libraft's waits for the first command before it finds out what is committed, and until then nothing that
// earlier leaders left behind gets committed. So each leader begins with an entry that changes nothing.
void raft_host::impl::begin_leading() {
  if (raft.state != RAFT_LEADER || led_term == raft.current_term) return;
  led_term = raft.current_term;
  if (lone_voter()) return; // everything it has is committed
  begin_again = !submit(barriers, nullptr, [&](barrier_request* request) {
    return raft_barrier(&raft, request, [](barrier_request* ended, int) {
      auto& mine = *static_cast<pending<barrier_request>*>(ended->data);
      mine.owner->barriers.erase(mine.self);
    });
  });
}

// Entries that a snapshot has replaced here: libraft, which does not find them in its log, would append them once more at
// its end. They are committed, so a leader of this term has them, too, and the logs are compared where the snapshot ends.
// False: the message has none of them.
bool raft_host::impl::skips_snapshot(pb::raft_append_entries& m) const {
  const auto& snapshot = raft.log.snapshot;
  if (m.term() < raft.current_term || m.prev_log_index() >= raft.log.offset) return false;
  auto covered =
    std::min<std::uint64_t>(snapshot.last_index - m.prev_log_index(), static_cast<std::uint64_t>(m.entries_size()));
  m.mutable_entries()->DeleteSubrange(0, static_cast<int>(covered));
  m.set_prev_log_index(snapshot.last_index);
  m.set_prev_log_term(snapshot.last_term);
  return true;
}

// By the rules of AppendEntries, so libraft will say the same.
bool raft_host::impl::follows_on(const pb::raft_append_entries& m) const {
  return m.term() >= raft.current_term &&
    (m.prev_log_index() == 0 || log_term_of(m.prev_log_index()) == m.prev_log_term());
}

// A follower of libraft's acknowledges everything that it has stored, also what an earlier leader sent and this one does
// not have. It may only acknowledge as far as it was compared with this leader's log.
void raft_host::impl::note_agreement(std::uint64_t term, std::uint64_t index) {
  if (term != agreed_term) agreed = 0;
  agreed_term = term;
  agreed = std::max(agreed, index);
}

std::uint64_t raft_host::impl::agreed_index() const { return agreed_term == raft.current_term ? agreed : 0; }

// A member that comes back with less than it had acknowledged (a new disk): libraft takes its rejections for old ones,
// and counts it for what it had.
void raft_host::impl::forget_lost_log(const pb::raft_message& m) {
  const auto& r = m.append_entries_result();
  if (raft.state != RAFT_LEADER || r.term() != raft.current_term || r.rejected() == 0) return;
  for (unsigned i = 0; i < raft.configuration.n; ++i) {
    auto& p = raft.leader_state.progress[i];
    if (raft.configuration.servers[i].id != m.from() || r.last_log_index() >= p.match_index) continue;
    p.state = 0; // probe
    p.match_index = 0;
    p.snapshot_index = 0;
    p.next_index = std::min<raft_index>(r.rejected() + 1, disk_state->last_index() + 1);
  }
}

// libraft takes a full disk of a follower for a reason to stop for good.
bool raft_host::impl::room_for(const pb::raft_append_entries& m) const {
  if (disk_state->payload_bytes() >= options.held_bytes_max) return false;
  constexpr std::uint64_t spare = std::uint64_t{4} << 20; // headers, a new segment's start
  auto space = options.files->space();
  return !space || space->free_bytes >= m.ByteSizeLong() + spare;
}

// ---- configurations ----------------------------------------------------------------------------------------------

// After a start libraft takes the last configuration in the log for committed. When a leader's log then replaces it, the
// old one would stay in force.
void raft_host::impl::mark_uncommitted_configuration() {
  auto last = change_before(disk_state->last_index() + 1);
  if (last <= raft.commit_index) return;
  raft.configuration_uncommitted_index = last;
  raft.configuration_index = change_before(last);
  if (raft.configuration_index == 0 && disk_state->manifest())
    raft.configuration_index = disk_state->manifest()->configuration_index();
}

// libraft looks for the configuration to go back to in the log alone, where a snapshot may have replaced it. So this is
// done for it, just before it cuts the log, by the same rules.
void raft_host::impl::roll_back_configuration(const pb::raft_append_entries& m) {
  if (!follows_on(m)) return;
  auto index = m.prev_log_index();
  std::uint64_t cut = 0;
  for (const auto& e : m.entries()) {
    auto term = log_term_of(++index);
    if (term == 0) return;
    if (term != e.term()) {
      cut = index;
      break;
    }
  }
  if (cut == 0 || cut <= raft.commit_index || raft.configuration_uncommitted_index < cut) return;
  auto back_to = change_before(cut);
  pb::raft_manifest found;
  if (back_to != 0) {
    auto decoded = raft_wire::decode_configuration(
      {static_cast<const std::byte*>(log_entry(back_to)->buf.base), log_entry(back_to)->buf.len});
    if (!decoded) return note_failure(std::move(decoded).error());
    found = std::move(*decoded);
  } else if (disk_state->manifest()) {
    found = *disk_state->manifest();
    back_to = found.configuration_index();
  }
  raft_configuration_close(&raft.configuration);
  raft_configuration_init(&raft.configuration);
  if (raft_wire::to_configuration(found, &raft.configuration) != 0)
    return note_failure(fail(ec::internal, "the Raft configuration of entry " + std::to_string(back_to)));
  raft.configuration_uncommitted_index = back_to > raft.commit_index ? back_to : 0;
  if (back_to <= raft.commit_index) raft.configuration_index = back_to;
}

// ---- a member that lost its disk ---------------------------------------------------------------------------------

// It has caught up when it has applied everything that a leader said was committed, said after this member came back, and
// that ends with an entry of the leader's own term: only then did the leader know all that was ever acknowledged, also
// with the help of the lost disk.
void raft_host::impl::note_recovery() {
  if (!recovering || failed || raft.last_applied == 0 || raft.state != RAFT_FOLLOWER) return;
  if (raft.follower_state.current_leader.id == 0 || log_term_of(raft.last_applied) != raft.current_term) return;
  if (told_commit == 0 || raft.last_applied < told_commit) return;
  if (raft.last_applied > raft.last_stored) return; // not on this disk yet
  if (auto written = disk_state->set_recovering(false); !written) return note_failure(std::move(written).error());
  recovering = false;
}

} // namespace troupe
