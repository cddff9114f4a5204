// raft_host_impl: what raft_host.cpp (life cycle and requests) and raft_io.cpp (libraft's two v-tables) share.
// libraft's callbacks run inside calls of ours into libraft, so they never call it back: they note what happened, and
// settle() at the end of every public call acts on it.
#pragma once

#include "actors/raft_disk.hpp"
#include "actors/raft_host.hpp"
#include "actors/raft_wire.hpp"

#include <deque>
#include <list>
#include <set>
#include <utility>

namespace troupe {

struct raft_host::impl {
  impl(raft_host_options o, raft_machine& m) : options(std::move(o)), machine(m) { connect(); }
  ~impl() { close(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  using apply_request = struct ::raft_apply; // libraft has functions of the same names
  using barrier_request = struct ::raft_barrier;
  using change_request = struct ::raft_change;
  using transfer_request = struct ::raft_transfer;
  template <class Request>
  struct pending {
    Request request{};
    on_done done; // empty once it was answered
    impl* owner = nullptr;
    typename std::list<pending>::iterator self;
  };

  // raft_host.cpp
  result<> start();
  result<> open_disk();
  result<> bootstrap();
  result<> check_state() const;
  void close();
  void note_failure(error e); // the first one counts
  void settle();
  void end_append(raft_io_append* request, int status);
  error outcome_of(int status) const; // of a request that libraft gave up
  template <class Request>
  static void finish(pending<Request>&, int status);
  template <class Request, class Submit> // submit(Request*) calls libraft
  result<> submit(std::list<pending<Request>>&, on_done, Submit&& submit);

  // raft_network.cpp
  int send(raft_io_send*, const ::raft_message&, raft_io_send_cb);
  void flush();                 // sends what waits
  void drop_unsent(int status); // and tells libraft so
  void send_own(const pb::raft_manifest::server&, pb::raft_message);
  void take(const pb::raft_message&); // a checked one of libraft's kinds
  bool passes(const pb::raft_message&);
  void release_held_back();
  void on_confirm(const pb::raft_message&);
  void on_confirmed(const pb::raft_message&);
  void ask_to_confirm();
  void settle_reads();

  // raft_guard.cpp: what libraft 0.15 does not guard against itself
  std::uint64_t log_term_of(std::uint64_t index) const; // 0: not in the log
  const raft_entry* log_entry(std::uint64_t index) const;
  std::uint64_t change_before(std::uint64_t index) const; // 0: none in the log
  bool lone_voter() const;
  bool known(std::uint64_t member) const;
  void mark_uncommitted_configuration();
  void new_term_alone();
  void before_tick();
  void keep_vote();
  void catch_up_with_term(const pb::raft_request_vote_result&);
  bool votes_twice(const pb::raft_message&) const;
  bool too_early_to_count(const pb::raft_message&) const;
  void forget_lost_log(const pb::raft_message&);
  bool skips_snapshot(pb::raft_append_entries&) const;
  bool follows_on(const pb::raft_append_entries&) const;
  void note_agreement(std::uint64_t term, std::uint64_t index);
  std::uint64_t agreed_index() const;
  void roll_back_configuration(const pb::raft_append_entries&);
  bool room_for(const pb::raft_append_entries&) const;
  void note_recovery();
  void begin_leading();

  // raft_members.cpp
  template <class Submit>
  result<> change(on_done, Submit&& submit);

  // raft_io.cpp
  void connect(); // fills io and fsm
  static impl& of(::raft_io* x) { return *static_cast<impl*>(x->impl); }
  static impl& of(::raft_fsm* x) { return *static_cast<impl*>(x->data); }
  int load(raft_term*, raft_id* voted_for, ::raft_snapshot**, raft_index* start, raft_entry**, std::size_t* n);
  int load_entries(raft_entry**, std::size_t* n);
  ::raft_snapshot* load_snapshot() const;
  int append(raft_io_append*, const raft_entry*, unsigned n, raft_io_append_cb);
  int apply(const raft_buffer&);
  unsigned trailing_entries() const;
  int begin_snapshot(raft_buffer** bufs, unsigned* n);
  int put_snapshot(unsigned trailing, raft_io_snapshot_put*, const ::raft_snapshot&, raft_io_snapshot_put_cb);
  int random(int min, int max);

  raft_host_options options;
  raft_machine& machine;
  std::unique_ptr<raft_disk> disk_state;
  ::raft raft{};
  ::raft_io io{};
  ::raft_fsm fsm{};
  bool initialised = false; // raft_init() succeeded: raft_close() is due
  bool closed = false;
  raft_io_tick_cb on_tick = nullptr;
  raft_io_recv_cb on_receive = nullptr;

  std::optional<error> failed;
  std::optional<error> append_refused; // why the append of the current raft_apply() did not happen

  // Appended, not yet durable. The syncs that are under way, oldest first, and how many appends each one covers.
  struct sync_under_way {
    log_sync ticket;
    std::size_t appends = 0;
  };
  std::deque<raft_io_append*> appends;
  std::deque<sync_under_way> syncs;

  std::list<pending<apply_request>> proposals;
  std::list<pending<barrier_request>> barriers;
  std::list<pending<change_request>> changes;     // at most one
  std::list<pending<transfer_request>> transfers; // at most one
  bool nudging = false;                           // a barrier of tick()'s own is under way

  struct outgoing {
    raft_io_send* request = nullptr; // libraft's; nothing: it does not want to know
    raft_io_send_cb done = nullptr;
    std::uint64_t to = 0;
    std::string address;
    pb::raft_message message;
  };
  std::vector<outgoing> unsent;
  // Messages to members that were cut: from where on libraft must send again (see flush()).
  std::vector<std::pair<std::uint64_t, std::uint64_t>> cut_at;
  std::deque<pb::raft_message> held_back;

  // Up to here this log is known to be the one of the leader of agreed_term.
  std::uint64_t agreed = 0, agreed_term = 0;

  struct read_round {
    std::uint64_t number = 0, term = 0, index = 0;
    std::set<std::uint64_t> confirmed;
    on_index done;
  };
  std::optional<read_round> reading;
  std::uint64_t rounds = 0;

  // The leader's message that started the fetch; handed to libraft when the state is here.
  std::optional<pb::raft_message> fetching;
  raft_io_snapshot_put* install_request = nullptr;
  raft_buffer* install_buffers = nullptr; // libraft forgets them when the request fails
  bool recovering = false;
  std::uint64_t told_commit = 0; // by leaders since this start
  std::uint64_t led_term = 0;    // the last one in which begin_leading() has done its work
  bool begin_again = false;      // it could not

  // A checkpoint: frozen by begin_snapshot(), its work handed out by take_checkpoint(), ended by checkpointed().
  struct checkpoint {
    std::function<result<>()> work;
    pb::raft_manifest manifest;
    unsigned trailing = 0;
    raft_io_snapshot_put* request = nullptr;
    bool handed_out = false;
    // The state's part of the outcome: it may be durable although the manifest could not be written.
    std::shared_ptr<result<>> state_outcome;
  };
  std::optional<checkpoint> current;
};

template <class Request>
void raft_host::impl::finish(pending<Request>& p, int status) {
  auto done = std::exchange(p.done, nullptr);
  if (!done) return;
  if (status == 0)
    done({});
  else
    done(p.owner->outcome_of(status));
}

template <class Request, class Submit>
result<> raft_host::impl::submit(std::list<pending<Request>>& all, on_done done, Submit&& submit) {
  auto p = all.emplace(all.end());
  p->owner = this;
  p->self = p;
  p->request.data = &*p;
  append_refused.reset();
  auto rv = submit(&p->request);
  if (rv == 0) {
    p->done = std::move(done);
    settle();
    return {};
  }
  all.erase(p);
  auto why = append_refused && !failed ? *append_refused : outcome_of(rv);
  settle();
  return why;
}

} // namespace troupe
