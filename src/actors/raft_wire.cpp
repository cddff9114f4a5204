#include "actors/raft_wire.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace troupe::raft_wire {
namespace {

// No index or term comes near it; what is added to one does not overflow.
constexpr std::uint64_t number_max = std::uint64_t{1} << 62;

error nonsense(const std::string& what) { return fail(ec::bad_argument, "Raft message: " + what); }

bool address_fine(const std::string& a) {
  return !a.empty() && a.size() <= address_bytes_max && a.find('\0') == std::string::npos;
}

result<> check_servers(const pb::raft_manifest& m) {
  if (m.servers_size() == 0 || m.servers_size() > members_max)
    return nonsense("a configuration of " + std::to_string(m.servers_size()) + " members");
  for (int i = 0; i < m.servers_size(); ++i) {
    const auto& s = m.servers(i);
    if (s.id() == 0 || !address_fine(s.address()) || s.role() < RAFT_STANDBY || s.role() > RAFT_SPARE)
      return nonsense("member " + std::to_string(s.id()) + " of a configuration");
    for (int j = 0; j < i; ++j)
      if (m.servers(j).id() == s.id() || m.servers(j).address() == s.address())
        return nonsense("member " + std::to_string(s.id()) + " is in a configuration twice");
  }
  return {};
}

result<> check_entries(const pb::raft_append_entries& m) {
  std::size_t bytes = 0;
  auto term = m.prev_log_term();
  for (const auto& e : m.entries()) {
    if (e.term() == 0 || e.term() < term || e.term() > m.term())
      return nonsense("an entry of term " + std::to_string(e.term()) + " after one of term " + std::to_string(term));
    if (e.type() < RAFT_COMMAND || e.type() > RAFT_CHANGE)
      return nonsense("an entry of type " + std::to_string(e.type()));
    if (e.payload().size() > entry_bytes_max || (bytes += e.payload().size()) > received_bytes_max)
      return nonsense("entries of " + std::to_string(bytes) + " bytes");
    if (e.type() == RAFT_CHANGE)
      if (auto fine = decode_configuration(as_bytes(e.payload())); !fine) return std::move(fine).error();
    term = e.term();
  }
  return {};
}

result<> check_position(std::uint64_t term, std::uint64_t last_index, std::uint64_t last_term) {
  if (term == 0 || term > number_max || last_index > number_max || last_term > term)
    return nonsense("term " + std::to_string(term) + ", an entry before it of term " + std::to_string(last_term));
  if ((last_index == 0) != (last_term == 0)) return nonsense("an index without its term");
  return {};
}

raft_request_vote to_raft(const pb::raft_request_vote& m, std::uint64_t from) {
  return {.term = m.term(),
    .candidate_id = from,
    .last_log_index = m.last_log_index(),
    .last_log_term = m.last_log_term(),
    .disrupt_leader = m.disrupt_leader(),
    .pre_vote = m.pre_vote()};
}

// libraft frees the entries of a message in one go when it does not need them: they must be one batch.
int to_raft(const pb::raft_append_entries& m, raft_append_entries& out) {
  auto n = static_cast<std::size_t>(m.entries_size());
  out = {.term = m.term(),
    .prev_log_index = m.prev_log_index(),
    .prev_log_term = m.prev_log_term(),
    // libraft takes "the last new entry" of the paper for "the last entry", which may be of another leader's making.
    .leader_commit = std::min<std::uint64_t>(m.leader_commit(), m.prev_log_index() + n),
    .entries = nullptr,
    .n_entries = static_cast<unsigned>(n)};
  if (n == 0) return 0;
  std::size_t bytes = 0;
  for (const auto& e : m.entries()) bytes += e.payload().size();
  out.entries = static_cast<::raft_entry*>(raft_calloc(n, sizeof(::raft_entry)));
  auto* batch = static_cast<char*>(raft_malloc(std::max<std::size_t>(bytes, 1)));
  if (out.entries == nullptr || batch == nullptr) {
    raft_free(out.entries);
    raft_free(batch);
    return RAFT_NOMEM;
  }
  auto* at = batch;
  for (std::size_t i = 0; i < n; ++i) {
    const auto& e = m.entries(static_cast<int>(i));
    if (!e.payload().empty()) std::memcpy(at, e.payload().data(), e.payload().size());
    out.entries[i] = {.term = e.term(),
      .type = static_cast<unsigned short>(e.type()),
      .buf = {.base = at, .len = e.payload().size()},
      .batch = batch};
    at += e.payload().size();
  }
  return 0;
}

int to_raft(const pb::raft_install_snapshot& m, raft_install_snapshot& out) {
  out = {.term = m.term(),
    .last_index = m.manifest().index(),
    .last_term = m.manifest().term(),
    .conf = {},
    .conf_index = m.manifest().configuration_index(),
    .data = {.base = raft_malloc(1), .len = 0}};
  raft_configuration_init(&out.conf);
  if (out.data.base == nullptr) return RAFT_NOMEM;
  auto rv = to_configuration(m.manifest(), &out.conf);
  if (rv == 0) return 0;
  raft_configuration_close(&out.conf);
  raft_free(out.data.base);
  return rv;
}

void encode_entries(const raft_append_entries& m, pb::raft_append_entries& out) {
  out.set_term(m.term);
  out.set_prev_log_index(m.prev_log_index);
  out.set_prev_log_term(m.prev_log_term);
  std::size_t bytes = 0;
  for (const auto& e : std::span{m.entries, m.n_entries}) {
    bytes += e.buf.len;
    if (out.entries_size() > 0 && (bytes > sent_bytes_max || out.entries_size() >= sent_entries_max)) break;
    auto& entry = *out.add_entries();
    entry.set_term(e.term);
    entry.set_type(e.type);
    entry.set_payload(e.buf.base, e.buf.len);
  }
  out.set_leader_commit(m.leader_commit); // decode() ends it where the entries end
}

pb::raft_request_vote_result::tribool tribool_of(raft_tribool t) {
  switch (t) {
  case raft_tribool_true: return pb::raft_request_vote_result::yes;
  case raft_tribool_false: return pb::raft_request_vote_result::no;
  default: return pb::raft_request_vote_result::unknown;
  }
}
raft_tribool tribool_of(pb::raft_request_vote_result::tribool t) {
  switch (t) {
  case pb::raft_request_vote_result::yes: return raft_tribool_true;
  case pb::raft_request_vote_result::no: return raft_tribool_false;
  default: return raft_tribool_unknown;
  }
}

} // namespace

result<pb::raft_message> encode(const ::raft_message& m) {
  pb::raft_message out;
  switch (m.type) {
  case RAFT_IO_REQUEST_VOTE: {
    auto& x = *out.mutable_request_vote();
    x.set_term(m.request_vote.term);
    x.set_last_log_index(m.request_vote.last_log_index);
    x.set_last_log_term(m.request_vote.last_log_term);
    x.set_disrupt_leader(m.request_vote.disrupt_leader);
    x.set_pre_vote(m.request_vote.pre_vote);
    return out;
  }
  case RAFT_IO_REQUEST_VOTE_RESULT: {
    auto& x = *out.mutable_request_vote_result();
    x.set_term(m.request_vote_result.term);
    x.set_granted(m.request_vote_result.vote_granted);
    x.set_pre_vote(tribool_of(m.request_vote_result.pre_vote));
    return out;
  }
  case RAFT_IO_APPEND_ENTRIES: encode_entries(m.append_entries, *out.mutable_append_entries()); return out;
  case RAFT_IO_APPEND_ENTRIES_RESULT: {
    auto& x = *out.mutable_append_entries_result();
    x.set_term(m.append_entries_result.term);
    x.set_rejected(m.append_entries_result.rejected);
    x.set_last_log_index(m.append_entries_result.last_log_index);
    return out;
  }
  case RAFT_IO_INSTALL_SNAPSHOT: {
    auto& x = *out.mutable_install_snapshot();
    x.set_term(m.install_snapshot.term);
    x.mutable_manifest()->set_index(m.install_snapshot.last_index);
    x.mutable_manifest()->set_term(m.install_snapshot.last_term);
    x.mutable_manifest()->set_configuration_index(m.install_snapshot.conf_index);
    add_servers(*x.mutable_manifest(), m.install_snapshot.conf);
    return out;
  }
  case RAFT_IO_TIMEOUT_NOW: {
    auto& x = *out.mutable_timeout_now();
    x.set_term(m.timeout_now.term);
    x.set_last_log_index(m.timeout_now.last_log_index);
    x.set_last_log_term(m.timeout_now.last_log_term);
    return out;
  }
  default: return nonsense("type " + std::to_string(m.type) + " of libraft is not known here");
  }
}

result<> check(const pb::raft_message& m) {
  if (m.from() == 0 || m.to() == 0 || m.from() == m.to())
    return nonsense("from " + std::to_string(m.from()) + " to " + std::to_string(m.to()));
  if (!address_fine(m.from_address())) return nonsense("the sender's address");
  switch (m.payload_case()) {
  case pb::raft_message::kRequestVote: {
    const auto& x = m.request_vote();
    return check_position(x.term(), x.last_log_index(), x.last_log_term());
  }
  case pb::raft_message::kRequestVoteResult: // the term is 0 before a member's first
    if (m.request_vote_result().term() > number_max) return nonsense("a vote of an impossible term");
    return {};
  case pb::raft_message::kAppendEntries: {
    const auto& x = m.append_entries();
    TROUPE_TRY(check_position(x.term(), x.prev_log_index(), x.prev_log_term()));
    if (x.leader_commit() > number_max) return nonsense("a commit index out of range");
    return check_entries(x);
  }
  case pb::raft_message::kAppendEntriesResult: {
    const auto& x = m.append_entries_result();
    if (x.term() > number_max || x.rejected() > number_max || x.last_log_index() > number_max)
      return nonsense("a result out of range");
    return {};
  }
  case pb::raft_message::kInstallSnapshot: {
    const auto& x = m.install_snapshot();
    if (x.manifest().index() == 0) return nonsense("a snapshot of nothing");
    TROUPE_TRY(check_position(x.term(), x.manifest().index(), x.manifest().term()));
    if (x.manifest().configuration_index() > x.manifest().index())
      return nonsense("a snapshot with a later configuration");
    return check_servers(x.manifest());
  }
  case pb::raft_message::kTimeoutNow: {
    const auto& x = m.timeout_now();
    return check_position(x.term(), x.last_log_index(), x.last_log_term());
  }
  case pb::raft_message::kConfirm:
  case pb::raft_message::kConfirmed: return {};
  default: return nonsense("of an unknown kind");
  }
}

result<::raft_message> decode(const pb::raft_message& m) {
  TROUPE_TRY(check(m));
  ::raft_message out{};
  out.server_id = m.from();
  out.server_address = m.from_address().c_str();
  int rv = 0;
  switch (m.payload_case()) {
  case pb::raft_message::kRequestVote:
    out.type = RAFT_IO_REQUEST_VOTE;
    out.request_vote = to_raft(m.request_vote(), m.from());
    break;
  case pb::raft_message::kRequestVoteResult:
    out.type = RAFT_IO_REQUEST_VOTE_RESULT;
    out.request_vote_result = {.term = m.request_vote_result().term(),
      .vote_granted = m.request_vote_result().granted(),
      .pre_vote = tribool_of(m.request_vote_result().pre_vote())};
    break;
  case pb::raft_message::kAppendEntries:
    out.type = RAFT_IO_APPEND_ENTRIES;
    rv = to_raft(m.append_entries(), out.append_entries);
    break;
  case pb::raft_message::kAppendEntriesResult:
    out.type = RAFT_IO_APPEND_ENTRIES_RESULT;
    out.append_entries_result = {.term = m.append_entries_result().term(),
      .rejected = m.append_entries_result().rejected(),
      .last_log_index = m.append_entries_result().last_log_index()};
    break;
  case pb::raft_message::kInstallSnapshot:
    out.type = RAFT_IO_INSTALL_SNAPSHOT;
    rv = to_raft(m.install_snapshot(), out.install_snapshot);
    break;
  case pb::raft_message::kTimeoutNow:
    out.type = RAFT_IO_TIMEOUT_NOW;
    out.timeout_now = {.term = m.timeout_now().term(),
      .last_log_index = m.timeout_now().last_log_index(),
      .last_log_term = m.timeout_now().last_log_term()};
    break;
  default: return nonsense("not one of libraft's");
  }
  if (rv != 0) return fail(ec::internal, std::string{"Raft message: "} + raft_strerror(rv));
  return out;
}

void release(::raft_message& m) {
  if (m.type == RAFT_IO_APPEND_ENTRIES && m.append_entries.n_entries > 0) {
    raft_free(m.append_entries.entries[0].batch);
    raft_free(m.append_entries.entries);
  }
  if (m.type == RAFT_IO_INSTALL_SNAPSHOT) {
    raft_configuration_close(&m.install_snapshot.conf);
    raft_free(m.install_snapshot.data.base);
  }
}

// format 1: u8 1, u64 n, then for each: u64 id, address and a zero byte, u8 role. Little endian, padded with zeros.
result<pb::raft_manifest> decode_configuration(bytes_view bytes) {
  auto text = as_text(bytes);
  auto number = [&text](std::size_t n) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < n; ++i) value |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    text.remove_prefix(n);
    return value;
  };
  pb::raft_manifest out;
  if (text.size() < 9 || number(1) != 1) return nonsense("a configuration of another format");
  auto n = number(8);
  if (n > static_cast<std::uint64_t>(members_max))
    return nonsense("a configuration of " + std::to_string(n) + " members");
  for (; n > 0; --n) {
    auto& s = *out.add_servers();
    if (text.size() < 8) return nonsense("a configuration that is cut off");
    s.set_id(number(8));
    auto end = text.find('\0');
    if (end == std::string_view::npos || end + 1 >= text.size()) return nonsense("a configuration that is cut off");
    s.set_address(std::string{text.substr(0, end)});
    text.remove_prefix(end + 1);
    s.set_role(static_cast<std::int32_t>(number(1)));
  }
  TROUPE_TRY(check_servers(out));
  return out;
}

int to_configuration(const pb::raft_manifest& m, raft_configuration* out) {
  for (const auto& s : m.servers())
    if (auto rv = raft_configuration_add(out, s.id(), s.address().c_str(), s.role()); rv != 0) return rv;
  return 0;
}

void add_servers(pb::raft_manifest& m, const raft_configuration& configuration) {
  for (const auto& s : std::span{configuration.servers, configuration.n}) {
    auto& server = *m.add_servers();
    server.set_id(s.id);
    server.set_address(s.address);
    server.set_role(s.role);
  }
}

} // namespace troupe::raft_wire
