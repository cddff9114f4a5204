#include "actors/raft_host_impl.hpp"

#include "store/disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe {
namespace {

constexpr unsigned catch_up_round_ms_max = 60'000; // a new member may have to fetch the state first

std::string text_of(int status) { return raft_strerror(status); }

} // namespace

// ---- life cycle ------------------------------------------------------------------------------------------------

result<std::unique_ptr<raft_host>> raft_host::open(raft_host_options options, raft_machine& machine) {
  auto made = std::make_unique<impl>(std::move(options), machine);
  if (auto started = made->start(); !started) {
    made->close();
    return made->failed ? *made->failed : std::move(started).error(); // the cause rather than libraft's word for it
  }
  return std::unique_ptr<raft_host>{new raft_host{std::move(made)}};
}

raft_host::raft_host(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
raft_host::~raft_host() = default;

result<> raft_host::impl::start() {
  TROUPE_TRY(open_disk());
  TROUPE_TRY(check_state());
  auto address = options.address;
  for (const auto& m : options.members)
    if (address.empty() && m.id == options.id) address = m.address;
  if (address.empty()) address = std::to_string(options.id);
  if (auto rv = raft_init(&raft, &io, &fsm, options.id, address.c_str()); rv != 0)
    return fail(ec::internal, "raft_init: " + text_of(rv));
  initialised = true;
  raft_set_election_timeout(&raft, options.election_ms);
  raft_set_heartbeat_timeout(&raft, options.heartbeat_ms);
  raft_set_pre_vote(&raft, true);
  raft_set_max_catch_up_round_duration(&raft, catch_up_round_ms_max);
  raft_set_snapshot_threshold(&raft, 1); // asks after every apply; the machine decides
  if (disk_state->pristine() && options.recovering) TROUPE_TRY(disk_state->set_recovering(true));
  recovering = disk_state->recovering();
  if (disk_state->pristine() && !recovering && options.bootstrap && !options.members.empty()) {
    TROUPE_TRY(bootstrap());
    TROUPE_TRY(open_disk()); // raft_start() is given what a later start would find
  }
  if (auto rv = raft_start(&raft); rv != 0)
    return fail(
      ec::corrupt, options.directory + ": the member does not start: " + text_of(rv) + ": " + raft_errmsg(&raft));
  if (failed) return *failed; // of an apply: raft_start() does not pass it on
  return {};
}

result<> raft_host::impl::open_disk() {
  raft_disk_options how;
  how.directory = options.directory;
  how.random = options.random;
  how.segment_bytes = options.segment_bytes;
  how.state_index = machine.checkpointed_index();
  auto opened = raft_disk::open(*options.files, std::move(how));
  if (!opened) return std::move(opened).error();
  disk_state = std::move(*opened);
  return {};
}

// Replay needs every entry between the state and the end of the log.
result<> raft_host::impl::check_state() const {
  auto held = machine.checkpointed_index(), snapshot = disk_state->snapshot_index(), last = disk_state->last_index();
  if (held >= snapshot && held <= last) return {};
  return fail(ec::corrupt,
    options.directory + ": the state holds everything up to entry " + std::to_string(held) +
      ", the log has the entries after " + std::to_string(snapshot) + " up to " + std::to_string(last) +
      ": one of the two was lost or replaced");
}

result<> raft_host::impl::bootstrap() {
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  int rv = 0;
  for (const auto& m : options.members)
    if (rv == 0) rv = raft_configuration_add(&configuration, m.id, m.address.c_str(), RAFT_VOTER);
  if (rv == 0) rv = raft_bootstrap(&raft, &configuration);
  raft_configuration_close(&configuration);
  if (rv == 0) return {};
  return failed ? *failed : fail(ec::bad_argument, "the first members of the Raft group: " + text_of(rv));
}

void raft_host::impl::close() {
  if (closed) return;
  closed = true;
  if (initialised) raft_close(&raft, nullptr); // ends every request; io->close answers at once
  for (auto& p : proposals) finish(p, RAFT_SHUTDOWN);
  for (auto& b : barriers) finish(b, RAFT_SHUTDOWN);
  for (auto& c : changes) finish(c, RAFT_SHUTDOWN);
  for (auto& t : transfers) finish(t, RAFT_SHUTDOWN);
  settle_reads();
}

// ---- requests --------------------------------------------------------------------------------------------------

error raft_host::impl::outcome_of(int status) const {
  if (failed) return fail(ec::closed, "this metadata member stopped: " + failed->message);
  if (closed || status == RAFT_SHUTDOWN || status == RAFT_CANCELED)
    return fail(ec::closed, "this metadata member is shutting down");
  switch (status) {
  case RAFT_NOTLEADER: return fail(ec::not_leader, "this metadata member does not lead");
  case RAFT_CANTCHANGE: return fail(ec::conflict, "another change of the metadata group is under way");
  case RAFT_DUPLICATEID:
  case RAFT_DUPLICATEADDRESS: return fail(ec::conflict, "a metadata member has that id or address already");
  case RAFT_BADID:
  case RAFT_NOTFOUND: return fail(ec::not_found, "the metadata group has no such member");
  case RAFT_BADROLE: return fail(ec::bad_argument, "the metadata member has that role already");
  case RAFT_NOCONNECTION: return fail(ec::unavailable, "the other metadata member did not follow in time");
  default: break;
  }
  return fail(
    ec::unavailable, "leadership was lost; whether the change was made is not known (" + text_of(status) + ")");
}

result<> raft_host::propose(std::size_t bytes, const std::function<void(bytes_span)>& write, on_done done) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  return x.submit(x.proposals, std::move(done), [&](impl::apply_request* request) {
    raft_buffer buffer{.base = raft_malloc(bytes), .len = bytes};
    if (buffer.base == nullptr) return RAFT_NOMEM;
    write({static_cast<std::byte*>(buffer.base), bytes});
    auto rv = raft_apply(&x.raft, request, &buffer, 1, [](impl::apply_request* ended, int status, void*) {
      auto& mine = *static_cast<impl::pending<impl::apply_request>*>(ended->data);
      impl::finish(mine, status);
      mine.owner->proposals.erase(mine.self);
    });
    if (rv != 0) raft_free(buffer.base); // not appended: still ours
    return rv;
  });
}

result<> raft_host::barrier(on_done done) {
  auto& x = *impl_;
  if (x.failed || x.closed) return x.outcome_of(RAFT_SHUTDOWN);
  return x.submit(x.barriers, std::move(done), [&](impl::barrier_request* request) {
    return raft_barrier(&x.raft, request, [](impl::barrier_request* ended, int status) {
      auto& mine = *static_cast<impl::pending<impl::barrier_request>*>(ended->data);
      impl::finish(mine, status);
      mine.owner->barriers.erase(mine.self);
    });
  });
}

void raft_host::tick() {
  auto& x = *impl_;
  if (x.failed || x.closed) return;
  x.before_tick();
  if (std::exchange(x.begin_again, false)) x.led_term = 0;
  if (!x.failed) x.on_tick(&x.io);
  // libraft offers a snapshot only after an apply: a member that is due for one but idle, or waits for it before it
  // accepts more, applies an empty entry.
  if (!x.failed && leader() && !x.current && !x.nudging && applied_index() > snapshot_index() &&
    x.machine.wants_checkpoint())
    x.nudging = barrier([&x](const result<>&) { x.nudging = false; }).has_value();
  if (x.reading && !x.failed && leader()) x.ask_to_confirm(); // what was lost is asked again
  x.settle();
}

// ---- what runs elsewhere ----------------------------------------------------------------------------------------

std::optional<log_sync> raft_host::take_sync() {
  auto& x = *impl_;
  auto covered = std::size_t{0};
  for (auto& s : x.syncs) covered += s.appends;
  if (x.failed || x.closed || x.syncs.size() >= syncs_max || x.appends.size() == covered) return std::nullopt;
  x.syncs.push_back({x.disk_state->prepare_sync(), x.appends.size() - covered});
  return x.syncs.back().ticket;
}

void raft_host::synced(const result<>& outcome) {
  auto& x = *impl_;
  if (x.syncs.empty()) return;
  auto ended = std::move(x.syncs.front());
  x.syncs.pop_front();
  x.disk_state->synced(ended.ticket, outcome);
  if (!outcome) x.note_failure(outcome.error());
  for (auto n = ended.appends; n > 0 && !x.failed && !x.closed; --n) {
    auto* request = x.appends.front();
    x.appends.pop_front();
    x.end_append(request, 0);
  }
  x.release_held_back();
  x.settle();
}

std::function<result<>()> raft_host::take_checkpoint() {
  auto& x = *impl_;
  if (x.failed || x.closed || !x.current || x.current->request == nullptr || std::exchange(x.current->handed_out, true))
    return nullptr;
  return [work = std::move(x.current->work), state = x.current->state_outcome, manifest = x.current->manifest,
           files = x.options.files, directory = x.options.directory]() -> result<> {
    *state = work();
    if (!*state) return *state;
    return raft_disk::write_manifest(*files, directory, manifest); // the state first: it is never behind the snapshot
  };
}

void raft_host::checkpointed(const result<>& outcome) {
  auto& x = *impl_;
  if (!x.current || !x.current->handed_out) return;
  auto ended = *std::exchange(x.current, std::nullopt);
  x.machine.end_checkpoint(*ended.state_outcome, outcome.has_value());
  if (x.closed) return; // libraft has forgotten it
  if (outcome) x.disk_state->snapshotted(ended.manifest, ended.trailing);
  ended.request->cb(ended.request, outcome ? 0 : RAFT_IOERR);
  x.settle();
}

void raft_host::impl::end_append(raft_io_append* request, int status) { request->cb(request, status); }

void raft_host::impl::note_failure(error e) {
  if (!failed) failed = std::move(e);
}

void raft_host::impl::settle() {
  if (closed) return;
  keep_vote();
  note_recovery();
  if (!failed && initialised && raft.state == RAFT_UNAVAILABLE && on_tick != nullptr)
    note_failure(append_refused ? *append_refused
                                : fail(ec::corrupt,
                                    options.directory + ": Raft gave up (" + raft_errmsg(&raft) +
                                      "): its log contradicts what the leader has committed, or memory ran out"));
  if (!failed) begin_leading();
  if (!failed) {
    flush();
    settle_reads();
    return;
  }
  // libraft is not told of the appends: it would cut its log for each of them, in an order that it does not survive. It
  // hears nothing more until it is closed.
  drop_unsent(RAFT_CANCELED);
  for (auto& p : proposals) finish(p, RAFT_IOERR); // libraft answers some of them only when it is closed
  for (auto& b : barriers) finish(b, RAFT_IOERR);
  for (auto& c : changes) finish(c, RAFT_IOERR);
  for (auto& t : transfers) finish(t, RAFT_IOERR);
  settle_reads();
}

// ---- what it is like ---------------------------------------------------------------------------------------------

void raft_host::close() { impl_->close(); }
bool raft_host::idle() const {
  return (impl_->appends.empty() || impl_->failed) && impl_->syncs.empty() &&
    !(impl_->current && impl_->current->handed_out);
}
const std::optional<error>& raft_host::failure() const { return impl_->failed; }
bool raft_host::leader() const { return !impl_->failed && !impl_->closed && raft_state(&impl_->raft) == RAFT_LEADER; }

bool raft_host::alone() const { return !impl_->closed && impl_->lone_voter(); }

std::size_t raft_host::voters() const {
  if (impl_->closed) return 0;
  const auto& all = impl_->raft.configuration;
  return static_cast<std::size_t>(
    std::count_if(all.servers, all.servers + all.n, [](auto& s) { return s.role == RAFT_VOTER; }));
}

std::string raft_host::state_name() const {
  if (impl_->failed || impl_->closed) return "unavailable";
  switch (raft_state(&impl_->raft)) {
  case RAFT_FOLLOWER: return "follower";
  case RAFT_CANDIDATE: return "candidate";
  case RAFT_LEADER: return "leader";
  default: return "unavailable";
  }
}

std::string raft_host::leader_address() const {
  if (impl_->failed || impl_->closed) return {};
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&impl_->raft, &id, &address);
  return address == nullptr ? std::string{} : std::string{address};
}

std::uint64_t raft_host::leader_id() const {
  if (impl_->failed || impl_->closed) return 0;
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&impl_->raft, &id, &address);
  return id;
}

std::vector<pb::raft_manifest::server> raft_host::members() const {
  pb::raft_manifest all;
  if (!impl_->closed) raft_wire::add_servers(all, impl_->raft.configuration);
  return {all.servers().begin(), all.servers().end()};
}

bool raft_host::recovering() const { return impl_->recovering; }

std::uint64_t raft_host::term() const { return impl_->raft.current_term; }
std::uint64_t raft_host::last_index() const { return impl_->disk_state->last_index(); }
std::uint64_t raft_host::commit_index() const { return impl_->raft.commit_index; }
std::uint64_t raft_host::applied_index() const { return impl_->raft.last_applied; }
std::uint64_t raft_host::snapshot_index() const { return impl_->disk_state->snapshot_index(); }
std::uint64_t raft_host::held_bytes() const { return impl_->disk_state->payload_bytes(); }
std::vector<log_segment_info> raft_host::log_segments() const { return impl_->disk_state->segments(); }

} // namespace troupe
