// Changes of a Raft group: one member at a time (dissertation 4.1), each an entry of the log.

#include "actors/raft_host_impl.hpp"

#include <utility>

namespace troupe {

template <class Submit>
result<> raft_host::impl::change(on_done done, Submit&& call) {
  if (failed || closed) return outcome_of(RAFT_SHUTDOWN);
  if (raft.state != RAFT_LEADER) return outcome_of(RAFT_NOTLEADER);
  if (!changes.empty() || raft.configuration_uncommitted_index != 0)
    return fail(ec::conflict, "another change of the metadata group is under way");
  // A leader that has not committed an entry of its own term yet may know a configuration that is about to be replaced
  // (the correction to dissertation 4.1). A lone voter has nobody who could replace it.
  if (!lone_voter() && log_term_of(raft.commit_index) != raft.current_term)
    return fail(ec::unavailable, "the metadata leader has only just been elected");
  return submit(changes, std::move(done), std::forward<Submit>(call));
}

namespace {

template <class Pending, class Request>
void end_of_change(Request* ended, int status) {
  auto& mine = *static_cast<Pending*>(ended->data);
  auto* owner = mine.owner;
  auto self = mine.self;
  std::remove_pointer_t<decltype(owner)>::finish(mine, status);
  owner->changes.erase(self);
}

} // namespace

result<> raft_host::add(raft_member m, on_done done) {
  auto& x = *impl_;
  if (m.id == 0 || m.address.empty() || m.address.size() > raft_wire::address_bytes_max)
    return fail(ec::bad_argument, "a metadata member needs an id and an address");
  if (x.raft.configuration.n >= static_cast<unsigned>(raft_wire::members_max))
    return fail(ec::too_large, "the metadata group is full");
  using mine = impl::pending<impl::change_request>;
  return x.change(std::move(done), [&](impl::change_request* request) {
    return raft_add(&x.raft, request, m.id, m.address.c_str(), end_of_change<mine, impl::change_request>);
  });
}

result<> raft_host::promote(std::uint64_t member, on_done done) {
  auto& x = *impl_;
  using mine = impl::pending<impl::change_request>;
  return x.change(std::move(done), [&](impl::change_request* request) {
    return raft_assign(&x.raft, request, member, RAFT_VOTER, end_of_change<mine, impl::change_request>);
  });
}

result<> raft_host::demote(std::uint64_t member, on_done done) {
  auto& x = *impl_;
  using mine = impl::pending<impl::change_request>;
  return x.change(std::move(done), [&](impl::change_request* request) {
    return raft_assign(&x.raft, request, member, RAFT_SPARE, end_of_change<mine, impl::change_request>);
  });
}

result<> raft_host::remove(std::uint64_t member, on_done done) {
  auto& x = *impl_;
  if (member == x.options.id && x.lone_voter())
    return fail(ec::bad_argument, "the last voting member of the metadata group stays");
  using mine = impl::pending<impl::change_request>;
  return x.change(std::move(done), [&](impl::change_request* request) {
    return raft_remove(&x.raft, request, member, end_of_change<mine, impl::change_request>);
  });
}

result<> raft_host::transfer(std::uint64_t member, on_done done) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  if (!x.transfers.empty()) return fail(ec::conflict, "the leadership of the metadata group is handed over already");
  return x.submit(x.transfers, std::move(done), [&](impl::transfer_request* request) {
    return raft_transfer(&x.raft, request, member, [](impl::transfer_request* ended) {
      auto& mine = *static_cast<impl::pending<impl::transfer_request>*>(ended->data);
      auto* owner = mine.owner;
      auto self = mine.self;
      impl::finish(mine, owner->raft.state == RAFT_LEADER ? RAFT_NOCONNECTION : 0);
      owner->transfers.erase(self);
    });
  });
}

} // namespace troupe
