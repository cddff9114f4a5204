// libraft's two v-tables: raft_io (disk, network, time, randomness) and raft_fsm (the machine).
// Memory that changes hands is raft_malloc'ed; which side frees what is in the comments of /usr/include/raft.h and, where
// that is silent, in docs/decisions/0005-libraft-in-an-actor.md. Nothing here throws: an exception must not pass through C.

#include "actors/raft_host_impl.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {
namespace {

raft_buffer copy_of(bytes_view bytes) {
  raft_buffer b{.base = raft_malloc(std::max<std::size_t>(bytes.size(), 1)), .len = bytes.size()};
  if (b.base != nullptr && !bytes.empty()) std::memcpy(b.base, bytes.data(), bytes.size());
  return b;
}

bytes_view view_of(const raft_buffer& b) { return {static_cast<const std::byte*>(b.base), b.len}; }

} // namespace

void raft_host::impl::connect() {
  io.version = 2; // async_work stays empty: libraft needs it for fsm version 3 only
  io.impl = this;
  io.init = [](::raft_io*, raft_id, const char*) { return 0; };
  io.close = [](::raft_io* x, raft_io_close_cb cb) {
    auto& self = of(x);
    // "Done": it ignores that by now. An error would make it cut its log.
    for (auto lost = std::exchange(self.appends, {}); auto* request : lost) self.end_append(request, 0);
    self.drop_unsent(RAFT_CANCELED);
    if (self.current && self.current->request != nullptr) {
      auto* request = std::exchange(self.current->request, nullptr);
      request->cb(request, RAFT_CANCELED);
    }
    cb(x);
  };
  io.load = [](::raft_io* x, raft_term* term, raft_id* voted_for, ::raft_snapshot** snapshot, raft_index* start,
              raft_entry** entries,
              std::size_t* n) { return of(x).load(term, voted_for, snapshot, start, entries, n); };
  io.start = [](::raft_io* x, unsigned, raft_io_tick_cb tick, raft_io_recv_cb receive) {
    auto& self = of(x);
    self.on_tick = tick;
    self.on_receive = receive;
    self.mark_uncommitted_configuration();
    if (self.lone_voter()) self.new_term_alone(); // it leads when raft_start() returns
    return self.failed ? RAFT_IOERR : 0;
  };
  io.bootstrap = [](::raft_io* x, const raft_configuration* configuration) {
    auto& self = of(x);
    if (!self.disk_state->pristine()) return RAFT_CANTBOOTSTRAP;
    raft_buffer encoded{};
    if (auto rv = raft_configuration_encode(configuration, &encoded); rv != 0) return rv;
    raft_disk::entry first{.term = 1, .type = RAFT_CHANGE, .payload = view_of(encoded)};
    auto written = self.disk_state->set_vote(1, 0);
    if (written) written = self.disk_state->append({&first, 1});
    if (written) written = self.disk_state->sync();
    raft_free(encoded.base);
    if (written) return 0;
    self.note_failure(std::move(written).error());
    return RAFT_IOERR;
  };
  io.recover = [](::raft_io*, const raft_configuration*) -> int { return RAFT_INVALID; }; // raft_recover() is not used
  io.set_term = [](::raft_io* x, raft_term term) {
    auto written = of(x).disk_state->set_vote(term, 0);
    if (written) return 0;
    of(x).note_failure(std::move(written).error());
    return RAFT_IOERR;
  };
  io.set_vote = [](::raft_io* x, raft_id id) {
    auto& self = of(x);
    if (id == 0) return 0; // keep_vote()
    auto written = self.disk_state->set_vote(self.disk_state->term(), id);
    if (written) return 0;
    self.note_failure(std::move(written).error());
    return RAFT_IOERR;
  };
  io.send = [](::raft_io* x, raft_io_send* request, const ::raft_message* message, raft_io_send_cb cb) {
    return of(x).send(request, *message, cb);
  };
  io.append = [](::raft_io* x, raft_io_append* request, const raft_entry* entries, unsigned n, raft_io_append_cb cb) {
    return of(x).append(request, entries, n, cb);
  };
  io.truncate = [](::raft_io* x, raft_index index) {
    auto cut = of(x).disk_state->truncate_from(index);
    if (cut) return 0;
    of(x).note_failure(std::move(cut).error());
    return RAFT_IOERR;
  };
  io.snapshot_put = [](::raft_io* x, unsigned trailing, raft_io_snapshot_put* request, const ::raft_snapshot* snapshot,
                      raft_io_snapshot_put_cb cb) { return of(x).put_snapshot(trailing, request, *snapshot, cb); };
  // For a follower that is behind the log. Answered at once: libraft allows that (it reads what it has sent only after).
  io.snapshot_get = [](::raft_io* x, raft_io_snapshot_get* request, raft_io_snapshot_get_cb cb) -> int {
    auto& self = of(x);
    if (!self.disk_state->manifest()) return RAFT_NOTFOUND;
    auto* snapshot = self.load_snapshot();
    if (snapshot == nullptr) return RAFT_NOMEM;
    cb(request, snapshot, 0);
    return 0;
  };
  io.time = [](::raft_io* x) -> raft_time { return of(x).options.now_ms(); };
  io.random = [](::raft_io* x, int min, int max) { return of(x).random(min, max); };

  fsm.version = 1; // libraft frees the snapshot's buffers
  fsm.data = this;
  fsm.apply = [](::raft_fsm* x, const raft_buffer* command, void** outcome) {
    *outcome = nullptr;
    return of(x).apply(*command);
  };
  fsm.snapshot = [](::raft_fsm* x, raft_buffer** bufs, unsigned* n) { return of(x).begin_snapshot(bufs, n); };
  fsm.restore = [](::raft_fsm*, raft_buffer* manifest) {
    raft_free(manifest->base); // the state is there already: raft_host::impl::check_state()
    return 0;
  };
}

int raft_host::impl::load(raft_term* term, raft_id* voted_for, ::raft_snapshot** snapshot, raft_index* start,
  raft_entry** entries, std::size_t* n) {
  *term = disk_state->term();
  *voted_for = disk_state->voted_for();
  *start = disk_state->snapshot_index() + 1;
  *snapshot = nullptr;
  if (disk_state->manifest()) {
    *snapshot = load_snapshot();
    if (*snapshot == nullptr) return RAFT_NOMEM;
  }
  return load_entries(entries, n);
}

// Allocation failures leak here: the process is out of memory and about to say so.
::raft_snapshot* raft_host::impl::load_snapshot() const {
  const auto& manifest = *disk_state->manifest();
  auto* s = static_cast<::raft_snapshot*>(raft_calloc(1, sizeof(::raft_snapshot)));
  if (s == nullptr) return nullptr;
  s->index = manifest.index();
  s->term = manifest.term();
  s->configuration_index = manifest.configuration_index();
  raft_configuration_init(&s->configuration);
  if (raft_wire::to_configuration(manifest, &s->configuration) != 0) return nullptr;
  s->bufs = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  if (s->bufs == nullptr) return nullptr;
  s->bufs[0] = copy_of({});
  s->n_bufs = 1;
  return s;
}

int raft_host::impl::load_entries(raft_entry** entries, std::size_t* n) {
  auto loaded = disk_state->take_loaded();
  *n = loaded.size();
  *entries = nullptr;
  if (loaded.empty()) return 0;
  *entries = static_cast<raft_entry*>(raft_calloc(loaded.size(), sizeof(raft_entry)));
  if (*entries == nullptr) return RAFT_NOMEM;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    auto& e = (*entries)[i];
    e.term = loaded[i].term;
    e.type = loaded[i].type;
    e.buf = copy_of(loaded[i].payload);
    if (e.buf.base == nullptr) return RAFT_NOMEM;
    e.batch = e.buf.base; // each entry is a batch of its own, so it is freed on its own
    loaded[i].payload = {};
  }
  return 0;
}

int raft_host::impl::append(raft_io_append* request, const raft_entry* entries, unsigned n, raft_io_append_cb cb) {
  if (failed) return RAFT_IOERR;
  std::vector<raft_disk::entry> all;
  all.reserve(n);
  for (const auto& e : std::span{entries, n})
    all.push_back({.term = e.term, .type = static_cast<std::uint8_t>(e.type), .payload = view_of(e.buf)});
  auto written = disk_state->append(all);
  if (!written) {
    append_refused = written.error();
    if (written.error().code == ec::no_space) return RAFT_NOSPACE; // the log goes on when there is room again
    note_failure(std::move(written).error());
    return RAFT_IOERR;
  }
  request->cb = cb;
  appends.push_back(request);
  return 0;
}

int raft_host::impl::apply(const raft_buffer& command) {
  if (failed) return RAFT_IOERR;
  auto applied = machine.apply(raft.last_applied + 1, view_of(command)); // libraft counts it after this call
  if (applied) return 0;
  note_failure(std::move(applied).error());
  return RAFT_IOERR;
}

int raft_host::impl::begin_snapshot(raft_buffer** bufs, unsigned* n) {
  if (failed || closed || current || fetching || !machine.wants_checkpoint()) return RAFT_BUSY; // it will ask again
  // What may yet be taken back stays out of a snapshot: libraft would write down a configuration that is not committed,
  // and a follower may have applied what is on the leader's disk but not yet on its own.
  if (raft.configuration_uncommitted_index != 0 || raft.last_applied > raft.last_stored) return RAFT_BUSY;
  *bufs = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  if (*bufs == nullptr) return RAFT_NOMEM;
  (*bufs)[0] = copy_of({});
  *n = 1;
  raft_set_snapshot_trailing(&raft, trailing_entries()); // libraft reads it next when it stores the snapshot
  const auto& taken = raft.snapshot.pending;
  current.emplace();
  current->work = machine.begin_checkpoint(taken.index, taken.term);
  current->state_outcome = std::make_shared<result<>>(fail(ec::closed, "the checkpoint was not run"));
  return 0;
}

unsigned raft_host::impl::trailing_entries() const {
  if (raft.configuration.n <= 1) return 1;
  std::uint64_t bytes = 0;
  unsigned n = 1;
  for (; n < options.trailing; ++n) {
    const auto* e = raft.last_applied < n ? nullptr : log_entry(raft.last_applied - n);
    if (e == nullptr || (bytes += e->buf.len) > options.trailing_bytes) break;
  }
  return n;
}

int raft_host::impl::put_snapshot(
  unsigned trailing, raft_io_snapshot_put* request, const ::raft_snapshot& snapshot, raft_io_snapshot_put_cb cb) {
  request->cb = cb;
  if (!current || current->request != nullptr) { // not one of ours: install() put the leader's in place
    install_request = request;
    install_buffers = snapshot.bufs;
    return 0;
  }
  auto& m = current->manifest;
  m.set_index(snapshot.index);
  m.set_term(snapshot.term);
  m.set_configuration_index(snapshot.configuration_index);
  raft_wire::add_servers(m, snapshot.configuration);
  current->trailing = trailing;
  current->request = request;
  return 0;
}

int raft_host::impl::random(int min, int max) {
  std::uint64_t drawn = 0;
  options.random->fill(std::as_writable_bytes(std::span{&drawn, 1}));
  return max <= min ? min : min + static_cast<int>(drawn % static_cast<std::uint64_t>(max - min));
}

} // namespace troupe
