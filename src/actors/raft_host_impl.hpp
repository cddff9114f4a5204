// raft_host_impl: what raft_host.cpp (life cycle and requests) and raft_io.cpp (libraft's two v-tables) share.
// libraft's callbacks run inside calls of ours into libraft, so they never call it back: they note what happened, and
// settle() at the end of every public call acts on it.
#pragma once

#include "actors/raft_disk.hpp"
#include "actors/raft_host.hpp"

#include <deque>
#include <list>

extern "C" { // raft.h does not say so itself
#include <raft.h>
}

namespace troupe {

struct raft_host::impl {
  impl(raft_host_options o, raft_machine& m) : options(std::move(o)), machine(m) { connect(); }
  ~impl() { close(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  using apply_request = struct ::raft_apply; // libraft has functions of the same names
  using barrier_request = struct ::raft_barrier;
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

  // raft_io.cpp
  void connect(); // fills io and fsm
  static impl& of(::raft_io* x) { return *static_cast<impl*>(x->impl); }
  static impl& of(::raft_fsm* x) { return *static_cast<impl*>(x->data); }
  int load(raft_term*, raft_id* voted_for, ::raft_snapshot**, raft_index* start, raft_entry**, std::size_t* n);
  int load_entries(raft_entry**, std::size_t* n);
  ::raft_snapshot* load_snapshot() const;
  int append(raft_io_append*, const raft_entry*, unsigned n, raft_io_append_cb);
  int apply(const raft_buffer&);
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
  bool nudging = false; // a barrier of tick()'s own is under way

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

} // namespace troupe
