#include "actors/census.hpp"
#include "actors/reply.hpp"
#include "actors/shard_state.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_rebuild.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>

namespace troupe {
namespace {

constexpr std::uint32_t ids_per_page_max = 4096;

result<piece_key> key_of(const pb::piece_id& id) {
  if (id.data_id().size() != data_id{}.raw.size()) return fail(ec::bad_argument, "a data id has 16 bytes");
  return piece_key{data_id::from_bytes(id.data_id()), id.stripe(), id.piece()};
}

// Of one piece that somebody asked for whose request is traced.
open_span span_of(const shard_state& s, const pb::piece_id& id, const char* name) {
  open_span made{s.options.tracing, id.trace(), name, span_kind::server};
  if (!made) return made;
  made.set("troupe.node", s.options.node);
  made.set("troupe.stripe", id.stripe());
  made.set("troupe.piece", std::uint64_t{id.piece()});
  return made;
}

void start_sync(shard_pointer self);

void finish_sync(shard_pointer self, const log_sync& ticket, const result<>& outcome) {
  auto& s = self->state;
  bool was_writable = s.store->refusal().empty();
  s.store->synced(ticket, outcome);
  if (!outcome && was_writable)
    spdlog::error("shard of {}: sync failed, read-only from now on: {}", s.options.node, outcome.error().message);
  s.syncing = false;
  auto done = std::move(s.covered);
  s.covered.clear();
  for (auto& f : done) f(outcome);
  if (!s.waiting.empty() && !s.syncing) start_sync(self);
}

void start_sync(shard_pointer self) {
  auto& s = self->state;
  s.syncing = true;
  s.covered = std::move(s.waiting);
  s.waiting.clear();
  auto ticket = s.store->prepare_sync();
  // No timeout: it is local, and monitored. Whoever waits on us has one.
  self->request(s.options.syncer, caf::infinite, sync_atom::value, ticket)
    .then([=] { finish_sync(self, ticket, {}); }, [=](const caf::error& e) { finish_sync(self, ticket, from_caf(e)); });
}

// Calls `done` when everything appended so far is on disk, or can not be.
void sync_then(shard_pointer self, after_sync done) {
  auto& s = self->state;
  if (!s.store->unsynced()) return done({});
  s.waiting.push_back(std::move(done));
  if (!s.syncing) start_sync(self);
}

void finish_checkpoint(shard_pointer self, const result<>& outcome) {
  auto& s = self->state;
  s.store->end_checkpoint(outcome);
  if (outcome) return;
  s.checkpoint_paused = true;
  spdlog::error("shard of {}: checkpoint of the index failed: {}", s.options.node, outcome.error().message);
}

void checkpoint_when_due(shard_pointer self) {
  auto& s = self->state;
  if (s.checkpoint_paused || !s.store->checkpoint_due()) return;
  // The index must not know more than the log has on disk.
  sync_then(self, [self, job = work{s.store->begin_checkpoint()}](const result<>& outcome) {
    if (!outcome) return finish_checkpoint(self, outcome);
    self->request(self->state.options.worker, caf::infinite, run_atom::value, job)
      .then([=] { finish_checkpoint(self, {}); }, [=](const caf::error& e) { finish_checkpoint(self, from_caf(e)); });
  });
}

void report_space(shard_state& s) {
  if (s.space == s.store->space()) return;
  s.space = s.store->space();
  switch (s.space) {
  case space_level::fine: spdlog::info("shard of {}: the volume has space again", s.options.node); break;
  case space_level::near_full: spdlog::warn("shard of {}: the volume is nearly full", s.options.node); break;
  case space_level::full: spdlog::error("shard of {}: the volume is full: writes are refused", s.options.node); break;
  }
}

// One step of compaction; the time until the next.
std::chrono::microseconds compact(shard_pointer self) {
  auto& s = self->state;
  auto step_time =
    std::chrono::microseconds{s.options.compaction_step_bytes * 1'000'000 / s.options.compaction_bytes_per_second};
  if (s.compaction_waits) return step_time;
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(self->clock().now().time_since_epoch());
  auto progress = s.store->compact(s.options.compaction_step_bytes, since);
  if (!progress) {
    if (auto found = s.store->take_unreadable()) note_damage(self, found->key, found->what, "compaction");
    if (s.compaction_lines.allow(self->clock().now()))
      spdlog::error("shard of {}: compaction: {}", s.options.node, progress.error().message);
    return s.options.idle_interval;
  }
  if (*progress == piece_store::compaction::wants_sync) {
    s.compaction_waits = true;
    sync_then(self, [self](const result<>&) { self->state.compaction_waits = false; });
  }
  return *progress == piece_store::compaction::idle ? s.options.idle_interval : step_time;
}

result<wire<pb::held_page>> ids_of(const shard_state& s, const pb::held_request& what) {
  if (!what.after().empty() && what.after().size() != data_id{}.raw.size())
    return fail(ec::bad_argument, "a data id has 16 bytes");
  if (what.limit() == 0 || what.limit() > ids_per_page_max)
    return fail(ec::bad_argument, "a page has 1 to " + std::to_string(ids_per_page_max) + " data ids");
  auto after = what.after().empty() ? std::nullopt : std::optional{data_id::from_bytes(what.after())};
  auto found = s.store->ids(after, what.limit() + std::size_t{1});
  if (!found) return found.error();
  pb::held_page page;
  page.set_more(found->size() > what.limit());
  if (page.more()) found->pop_back();
  for (auto& id : *found) page.add_ids(id.to_bytes());
  return wire{std::move(page)};
}

result<wire<pb::repair_record>> missing_of(const shard_state& s, const pb::extent& extent) {
  auto map = map_of(extent);
  if (!map) return map.error();
  pb::repair_record out;
  for (std::uint64_t stripe = 0; stripe < map->layout().stripes(); ++stripe) {
    auto& nodes = map->nodes_of(stripe);
    for (std::uint32_t piece = 0; piece < nodes.size(); ++piece) {
      if (nodes[piece].name != s.options.node || stored_bytes(map->layout(), stripe, piece) == 0) continue;
      auto there = s.store->has({map->id(), stripe, piece});
      if (!there) return there.error();
      if (*there && !s.damaged.contains({map->id(), stripe, piece})) continue;
      auto& m = *out.add_missing();
      m.set_stripe(stripe);
      m.set_piece(piece);
      m.set_node(s.options.node);
    }
  }
  return wire{std::move(out)};
}

wire<pb::shard_status> status_of(const shard_state& s, std::chrono::steady_clock::time_point now) {
  auto counted = s.store->count();
  pb::shard_status out;
  out.set_node(s.options.node);
  out.set_pieces(counted.pieces);
  out.set_live_bytes(counted.live_bytes);
  out.set_log_bytes(counted.log_bytes);
  out.set_log_segments(counted.log_segments);
  out.set_damaged_records(s.store->damage().size() + s.damaged_reads);
  out.set_reason(s.store->refusal());
  out.set_writable(out.reason().empty());
  out.set_instance(s.options.instance);
  out.set_damaged_pieces(s.damaged.size());
  out.set_scrub_rounds(s.scrub.rounds);
  out.set_scrub_damaged(s.scrub.damaged);
  if (auto& round = s.scrub.round; !round.over) {
    out.set_scrub_bytes_done(round.bytes_done);
    out.set_scrub_bytes_total(round.bytes_total);
    out.set_scrub_seconds_left(scrub_seconds_left(s, now));
  }
  return wire{std::move(out)};
}

ticking_shard::behavior_type shard(shard_pointer self, shard_options options, std::shared_ptr<piece_store> store) {
  auto& s = self->state;
  s.options = std::move(options);
  s.store = std::move(store);
  self->set_default_handler(caf::drop);
  self->monitor(s.options.syncer);
  self->monitor(s.options.worker);
  self->set_down_handler([self](const caf::down_msg& down) { // without them nothing here becomes durable
    spdlog::error("shard of {}: its syncer or worker ended", self->state.options.node);
    self->quit(down.reason ? down.reason : caf::make_error(caf::exit_reason::unhandled_exception));
  });
  self->send(self, tick_atom::value);
  self->delayed_send(self, resume_scrub(self), scrub_atom::value);
  return {
    [self](append_atom, const wire<pb::piece_id>& id, const chunk& bytes) -> caf::result<void> {
      auto key = key_of(*id);
      if (!key) return to_caf(key.error());
      auto& st = self->state;
      auto traced = span_of(st, *id, "append piece");
      traced.set("troupe.bytes", std::uint64_t{bytes.size()});
      bool was_writable = st.store->refusal().empty();
      auto outcome = st.store->append(*key, bytes);
      report_space(st);
      if (!outcome) {
        traced.failed(outcome.error().message);
        if (was_writable) spdlog::error("shard of {}: append failed: {}", st.options.node, outcome.error().message);
        return to_caf(outcome.error());
      }
      st.damaged.erase(*key);
      checkpoint_when_due(self);
      return caf::unit;
    },
    [self](sync_atom) -> caf::result<void> {
      reply<> done{self};
      auto& st = self->state;
      // A record that failed to become durable never will: whoever wrote it must hear so, not that all is well.
      if (auto why = st.store->poisoned(); !why.empty()) {
        done(fail(ec::closed, "the shard is read-only: " + why));
      } else {
        sync_then(self, done);
      }
      return done.later();
    },
    [self](read_atom, const wire<pb::piece_id>& id) -> caf::result<chunk> {
      auto key = key_of(*id);
      if (!key) return to_caf(key.error());
      auto& st = self->state;
      auto traced = span_of(st, *id, "read piece");
      auto got = st.store->read(*key);
      if (got) {
        traced.set("troupe.bytes", std::uint64_t{got->size()});
        return std::move(*got);
      }
      traced.failed(got.error().message);
      if (got.error().code != ec::not_found && got.error().code != ec::bad_argument)
        note_damage(self, *key, got.error(), "read");
      return to_caf(got.error());
    },
    [self](remove_atom, const data_id& id) -> caf::result<void> {
      reply<> done{self};
      auto outcome = self->state.store->remove(id);
      if (outcome) {
        auto& bad = self->state.damaged;
        bad.erase(bad.lower_bound({id, 0, 0}), bad.upper_bound({id, ~std::uint64_t{0}, ~std::uint32_t{0}}));
        sync_then(self, done); // confirmed means it will not come back
        checkpoint_when_due(self);
      } else {
        done(outcome);
      }
      return done.later();
    },
    [self](compare_atom, const wire<pb::extent>& extent) -> caf::result<wire<pb::repair_record>> {
      auto missing = missing_of(self->state, *extent);
      if (!missing) return to_caf(missing.error());
      return std::move(*missing);
    },
    [self](list_atom, const wire<pb::held_request>& what) -> caf::result<wire<pb::held_page>> {
      auto page = ids_of(self->state, *what);
      if (!page) return to_caf(page.error());
      return std::move(*page);
    },
    [self](status_atom) { return status_of(self->state, self->clock().now()); },
    [self](tick_atom) {
      self->state.checkpoint_paused = false;
      auto pause = compact(self);
      report_space(self->state);
      checkpoint_when_due(self);
      keep_scrub_note(self);
      self->delayed_send(self, pause, tick_atom::value);
    },
    [self](scrub_atom) { self->delayed_send(self, scrub(self), scrub_atom::value); },
  };
}

} // namespace

result<shard_actor> spawn_shard(caf::actor_system& system, shard_options options) {
  auto store = piece_store::open(*options.volume, options.store, options.index);
  if (!store) return store.error();
  for (auto& d : (*store)->damage())
    spdlog::error("shard of {}: damage in segment {} at offset {}, {} bytes lost: {}", options.node, d.position.segment,
      d.position.offset, d.bytes, d.what);
  if ((*store)->rebuilt() && (*store)->count().pieces != 0)
    spdlog::warn("shard of {}: the index was rebuilt from the log: {} pieces", options.node, (*store)->count().pieces);
  while (options.instance == 0) system_entropy().fill(std::as_writable_bytes(std::span{&options.instance, 1}));
  std::shared_ptr<piece_store> shared = std::move(*store);
  if (options.detached) return spawn_counted<caf::detached>(system, shard, std::move(options), std::move(shared));
  return spawn_counted(system, shard, std::move(options), std::move(shared));
}

} // namespace troupe
