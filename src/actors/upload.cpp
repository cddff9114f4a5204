#include "actors/upload.hpp"

#include "actors/census.hpp"
#include "actors/reply.hpp"
#include "actors/upload_stripes.hpp"
#include "codec/checksum.hpp"
#include "core/append_deadlines.hpp"
#include "core/extent_codec.hpp"
#include "core/write_plan.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <set>

namespace troupe {
namespace {

using ticking_upload = upload_actor::extend<caf::reacts_to<tick_atom>>;
using clock_time = std::chrono::steady_clock::time_point; // the actor clock's

// The nodes write back while the upload goes on, so that the last sync is short.
constexpr std::uint64_t early_sync_bytes = std::uint64_t{32} << 20;

struct session {
  session(upload_start s, erasure_codec codec, std::vector<node_id> candidates)
      : start(std::move(s)),
        layout(start.what.geometry, start.what.size),
        stripes(layout, std::move(codec)),
        plan(layout, std::move(candidates), start.what.durability),
        checksums(start.what.checksums) {
    ++*start.uploads;
    start.traced.set("troupe.bytes", start.what.size);
    trace = start.traced.context_bytes();
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() { --*start.uploads; }

  upload_start start;
  stripe_layout layout;
  upload_stripes stripes;
  write_plan plan;
  std::shared_ptr<md5_stream> md5 = std::make_shared<md5_stream>();
  std::deque<chunk> to_hash; // by the HASHER; the first one is with it
  checksum_state checksums;
  std::uint64_t bytes_since_sync = 0;

  reply<> writing; // the write that waits for room
  reply<upload_summary> finishing;
  bool finish_asked = false;
  std::optional<error> failure;                     // what the next message is answered with
  std::map<std::uint64_t, clock_time> quorum_since; // stripes that wait for their slow pieces only
  append_deadlines appends;
  std::string trace; // for the nodes; empty: not traced
  open_span syncs;

  std::size_t syncs_waiting = 0;
  bool syncing = false;
  std::vector<bool> synced; // by candidate
  std::optional<clock_time> enough_since;

  clock_time last_message;
  std::optional<clock_time> armed; // the earliest tick that is on its way
};

struct upload_state {
  upload_state() = default;
  upload_state(const upload_state&) = delete;
  upload_state& operator=(const upload_state&) = delete;
  ~upload_state() {
    if (!s) return;
    s->writing = {}; // whoever still waits is told
    s->finishing = {};
  }
  static inline const char* name = "upload";
  std::shared_ptr<session> s;
};

using upload_pointer = ticking_upload::stateful_pointer<upload_state>;

const shard_actor* shard_of(const session& s, std::size_t candidate) {
  return s.start.cluster->find(s.plan.candidates()[candidate]);
}

void arm(upload_pointer self, clock_time when) {
  auto& s = *self->state.s;
  if (s.armed && *s.armed <= when) return;
  s.armed = when;
  auto now = self->clock().now();
  self->delayed_send(self, std::max(when - now, clock_time::duration{0}), tick_atom::value);
}

void suspect(upload_pointer self, std::size_t candidate, const std::string& why) {
  auto& s = *self->state.s;
  auto now = self->clock().now();
  auto& node = s.plan.candidates()[candidate];
  if (!s.start.suspected->has(node, now)) spdlog::warn("upload: node {} failed: {}", node.name, why);
  s.start.suspected->report(node, now);
}

// Best effort: what stays behind on a node that does not listen is an orphan.
void take_pieces_back(const session& s, const std::set<std::string>& except = {}) {
  for (std::size_t i = 0; i < s.plan.candidates().size(); ++i) {
    if (!s.plan.was_sent_pieces(i) || except.contains(s.plan.candidates()[i].name)) continue;
    if (auto* shard = shard_of(s, i)) caf::anon_send(*shard, remove_atom::value, s.start.id);
  }
}

void fail_session(upload_pointer self, error e) {
  auto& s = *self->state.s;
  if (s.failure) return;
  s.syncs.end();
  s.start.traced.failed(e.message);
  s.start.traced.end();
  take_pieces_back(s);
  for (auto stripe : s.stripes.held()) s.stripes.release(stripe);
  bool told = s.writing.pending() || s.finishing.pending();
  s.writing(e);
  s.finishing(e);
  s.failure = std::move(e);
  if (told) self->quit(); // else the next message is told
}

void advance(upload_pointer self);

void dispatch(upload_pointer self, write_plan::sends todo);

void append_failed(upload_pointer self, const write_plan::send& what, const std::string& why) {
  auto& s = *self->state.s;
  if (s.failure || !s.plan.on_its_way(what)) return;
  suspect(self, what.candidate, why);
  dispatch(self, s.plan.failed(what, why));
  advance(self);
}

void dispatch(upload_pointer self, write_plan::sends todo) {
  auto s = self->state.s;
  while (!todo.empty()) {
    auto what = todo.back();
    todo.pop_back();
    if (!s->plan.on_its_way(what)) continue;
    auto* shard = shard_of(*s, what.candidate);
    if (shard == nullptr) {
      auto more = s->plan.failed(what, "can not be reached");
      todo.insert(todo.end(), more.begin(), more.end());
      continue;
    }
    pb::piece_id id;
    id.set_data_id(s->start.id.to_bytes());
    id.set_stripe(what.stripe);
    id.set_piece(what.piece);
    if (!s->trace.empty() && what.stripe < s->start.limits.stripes_traced_max) id.set_trace(s->trace);
    auto due = self->clock().now() + s->start.limits.piece_timeout;
    s->appends.sent(s->plan, what, due);
    arm(self, due);
    self
      ->request(
        *shard, caf::infinite, append_atom::value, wire{std::move(id)}, s->stripes.piece(what.stripe, what.piece))
      .then(
        [=] {
          s->plan.acknowledged(what);
          advance(self);
        },
        [=](const caf::error& e) { append_failed(self, what, from_caf(e).message); });
  }
}

void conclude(upload_pointer self) {
  auto& s = *self->state.s;
  s.syncs.set("troupe.nodes", static_cast<std::uint64_t>(std::count(s.synced.begin(), s.synced.end(), true)));
  s.syncs.end();
  auto outcome = s.plan.finish(s.synced);
  if (!outcome) return fail_session(self, outcome.error());
  upload_summary summary;
  summary.extent = extent_of(s.start.id, s.layout, *outcome);
  summary.repair = repair_of(summary.extent, *outcome);
  std::set<std::string> holders;
  for (auto& run : outcome->placements)
    for (auto& node : run.nodes) holders.insert(node.name);
  if (s.start.what.md5) summary.md5 = std::string{as_text(bytes_view{s.md5->finish()})};
  summary.checksums = s.checksums.finish();
  summary.in_use = s.start.in_use;
  s.start.traced.end();
  take_pieces_back(s, holders); // from nodes that gave up their place, and so are not in the extent
  s.finishing(std::move(summary));
  self->quit();
}

void sync_nodes(upload_pointer self) {
  auto s = self->state.s;
  s->syncing = true;
  s->syncs = s->start.traced.child("sync nodes", span_kind::client);
  s->synced.assign(s->plan.candidates().size(), false);
  for (std::size_t i = 0; i < s->synced.size(); ++i) {
    auto* shard = s->plan.holds_pieces(i) ? shard_of(*s, i) : nullptr;
    if (shard == nullptr) continue;
    ++s->syncs_waiting;
    auto answered = [=](std::optional<std::string> why) {
      if (s->failure || !s->finishing.pending()) return;
      s->synced[i] = !why;
      if (why) suspect(self, i, *why);
      if (--s->syncs_waiting == 0) return conclude(self);
      if (s->enough_since || !s->plan.enough(s->synced)) return;
      if (s->start.what.durability == durability::first) return conclude(self);
      s->enough_since = self->clock().now();
      arm(self, *s->enough_since + s->start.limits.slow_grace);
    };
    self->request(*shard, s->start.limits.sync_timeout, sync_atom::value)
      .then([=] { answered({}); }, [=](const caf::error& e) { answered(from_caf(e).message); });
  }
  if (s->syncs_waiting == 0) conclude(self); // empty content, or nothing was kept
}

// After every event: what has become possible, or impossible.
void advance(upload_pointer self) {
  auto& s = *self->state.s;
  if (s.failure) return;
  if (s.plan.impossible()) return fail_session(self, *s.plan.impossible());
  for (auto stripe : s.stripes.held()) {
    if (s.plan.settled(stripe)) {
      s.stripes.release(stripe);
      s.quorum_since.erase(stripe);
    } else if (s.plan.has_quorum(stripe) && s.quorum_since.try_emplace(stripe, self->clock().now()).second) {
      arm(self, self->clock().now() + s.start.limits.slow_grace);
    }
  }
  auto hashed = s.to_hash.size() < s.layout.geometry().k;
  if (s.plan.open_stripes() < s.start.limits.stripes_in_flight && hashed) s.writing({});
  if (s.finish_asked && !s.syncing && s.plan.open_stripes() == 0 && s.to_hash.empty()) sync_nodes(self);
}

void sync_early(upload_pointer self, std::uint64_t bytes) {
  auto& s = *self->state.s;
  s.bytes_since_sync += bytes;
  if (s.bytes_since_sync < early_sync_bytes) return;
  s.bytes_since_sync = 0;
  for (std::size_t i = 0; i < s.plan.candidates().size(); ++i)
    if (s.plan.holds_pieces(i))
      if (auto* shard = shard_of(s, i)) caf::anon_send(*shard, sync_atom::value); // the last sync tells the outcome
}

void hash_next(upload_pointer self) {
  auto s = self->state.s;
  self->request(s->start.hasher, s->start.limits.piece_timeout, hash_atom::value, hash_job{s->md5, s->to_hash.front()})
    .then(
      [=] {
        s->to_hash.pop_front();
        if (s->failure) return s->to_hash.clear();
        if (!s->to_hash.empty()) hash_next(self);
        advance(self);
      },
      [=](const caf::error& e) {
        s->to_hash.clear();
        fail_session(self, from_caf(e));
      });
}

// One upload's MD5 is a chain of steps that leaves most of a core idle: many are hashed side by side.
void hash(upload_pointer self, const chunk& c) {
  auto& s = *self->state.s;
  if (!s.start.what.md5) return;
  if (s.to_hash.empty() && *s.start.uploads < s.start.limits.hash_together_from) return s.md5->add(c);
  s.to_hash.push_back(c);
  if (s.to_hash.size() == 1) hash_next(self);
}

void write(upload_pointer self, const chunk& c) {
  auto& s = *self->state.s;
  auto added = s.stripes.add(c);
  if (!added) return fail_session(self, added.error());
  hash(self, c);
  s.checksums.add(c);
  if (added->first) s.plan.begin_stripe();
  for (auto piece : added->pieces) dispatch(self, s.plan.place(added->stripe, piece));
  sync_early(self, c.size());
  // In the middle of a stripe there is room for its rest.
  if (!added->last && !s.plan.impossible()) s.writing({});
  advance(self);
}

void tick(upload_pointer self) {
  auto& s = *self->state.s;
  auto now = self->clock().now();
  auto grace = s.start.limits.slow_grace;
  s.armed.reset();
  std::vector<std::uint64_t> slow;
  for (auto& [stripe, since] : s.quorum_since)
    if (!s.failure && now - since >= grace) slow.push_back(stripe);
  for (auto stripe : slow) {
    for (std::size_t i = 0; i < s.plan.candidates().size(); ++i)
      if (s.plan.waits_for(stripe, i)) suspect(self, i, "too slow");
    s.quorum_since[stripe] = now;
    dispatch(self, s.plan.give_up_slow(stripe));
  }
  while (auto late = s.appends.take_late(s.plan, now))
    append_failed(self, *late, "no answer within " + std::to_string(s.start.limits.piece_timeout.count()) + " ms");
  advance(self);
  if (s.enough_since && now - *s.enough_since >= grace && s.finishing.pending()) {
    for (std::size_t i = 0; i < s.synced.size(); ++i)
      if (s.plan.holds_pieces(i) && !s.synced[i]) suspect(self, i, "its sync takes too long");
    return conclude(self);
  }
  bool owner_waits = s.writing.pending() || s.finishing.pending();
  if (!owner_waits && now - s.last_message >= s.start.limits.idle_timeout) {
    if (!s.failure) take_pieces_back(s);
    return self->quit();
  }
  auto next = now + s.start.limits.idle_timeout / 20;
  for (auto& [stripe, since] : s.quorum_since) next = std::min<clock_time>(next, since + grace);
  if (s.enough_since) next = std::min<clock_time>(next, *s.enough_since + grace);
  if (auto due = s.appends.next(s.plan)) next = std::min<clock_time>(next, *due);
  arm(self, next);
}

ticking_upload::behavior_type upload(upload_pointer self, std::shared_ptr<session> s) {
  self->state.s = s;
  self->set_default_handler(caf::drop);
  s->last_message = self->clock().now();
  arm(self, s->last_message + s->start.limits.idle_timeout / 20);
  // Suspects are skipped as far as the quorum allows it.
  auto [k, m, piece_bytes] = s->layout.geometry();
  auto spare_pieces = k + m - pieces_needed(k, m, s->start.what.durability);
  for (std::size_t i = s->plan.candidates().size(); i-- > 0 && spare_pieces > 0;)
    if (s->start.suspected->has(s->plan.candidates()[i], s->last_message)) {
      s->plan.node_failed(i, "failed a moment ago");
      --spare_pieces;
    }
  return {
    [self](write_atom, const chunk& c) -> caf::result<void> {
      auto& st = *self->state.s;
      st.last_message = self->clock().now();
      reply<> done{self};
      if (st.failure) {
        if (done.pending()) self->quit();
        done(*st.failure);
      } else if (st.writing.pending() || st.finish_asked) {
        done(fail(ec::bad_argument, "upload: a write before the answer to the one before, or after finish"));
      } else {
        st.writing = done;
        write(self, c);
      }
      return done.later();
    },
    [self](finish_atom) -> caf::result<upload_summary> {
      auto& st = *self->state.s;
      st.last_message = self->clock().now();
      reply<upload_summary> done{self};
      if (st.failure) {
        done(*st.failure);
        self->quit();
      } else if (st.finish_asked || !st.stripes.complete()) {
        done(fail(ec::bad_argument, "upload: finish twice, or before all data has come"));
      } else {
        st.finish_asked = true;
        st.finishing = done;
        advance(self);
      }
      return done.later();
    },
    [self](abandon_atom) {
      if (!self->state.s->failure) take_pieces_back(*self->state.s);
      self->quit();
    },
    [self](tick_atom) { tick(self); },
  };
}

} // namespace

result<upload_actor> spawn_upload(caf::actor_system& system, upload_start start) {
  auto g = start.what.geometry;
  auto codec = erasure_codec::make(g.k, g.m);
  if (!codec) return codec.error();
  auto candidates = troupe::candidates(start.cluster->places, start.id, start.cluster->places.places());
  // Suspects last, so that a spare takes their place from the beginning.
  auto now = system.clock().now();
  std::stable_partition(
    candidates.begin(), candidates.end(), [&](const node_id& n) { return !start.suspected->has(n, now); });
  if (start.what.size != 0) TROUPE_TRY(check_start(g, start.what.durability, candidates.size()));
  auto s = std::make_shared<session>(std::move(start), std::move(*codec), std::move(candidates));
  return spawn_counted(system, upload, std::move(s));
}

} // namespace troupe
