#include "actors/repair.hpp"

#include "actors/census.hpp"
#include "actors/reply.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_read.hpp"
#include "core/stripe_rebuild.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace troupe {
namespace {

struct gap {
  std::uint32_t piece = 0;
  node_id node; // that is to have it
};

// The stripe at work.
struct open_stripe {
  explicit open_stripe(stripe_read r) : plan(std::move(r)) {}
  stripe_read plan;
  std::vector<std::optional<chunk>> pieces;
  std::size_t copies_waiting = 0;
  std::size_t appends_waiting = 0;
  bool rebuilt = false;
  std::string failures;
};

struct session {
  session(repair_start s, extent_map m, extent_map f, erasure_codec c)
      : start(std::move(s)), map(std::move(m)), from(std::move(f)), codec(std::move(c)) {}
  bool moves() const { return start.what->has_before(); }
  repair_start start;
  extent_map map;  // where pieces are to be
  extent_map from; // where they are read: the same, or the placement before
  erasure_codec codec;
  std::map<std::uint64_t, std::vector<gap>> gaps; // by stripe, what is still to do
  std::optional<open_stripe> open;
  std::set<node_id> to_sync;
  std::size_t syncs_waiting = 0;
  reply<> asker;
};

struct repair_state {
  repair_state() = default;
  static inline const char* name = "repair";
  std::shared_ptr<session> s;
};

using paced_repair = repair_actor::extend<caf::reacts_to<next_atom>>;
using repair_pointer = paced_repair::stateful_pointer<repair_state>;

void begin_stripe(repair_pointer self);
void ask(repair_pointer self, const stripe_read::asks& todo);

void end(repair_pointer self, const result<>& outcome) {
  self->state.s->asker(outcome);
  self->quit();
}

bool ended(const session& s) { return !s.asker.pending(); }

wire<pb::piece_id> name_of(const session& s, std::uint64_t stripe, std::uint32_t piece) {
  pb::piece_id id;
  id.set_data_id(s.map.id().to_bytes());
  id.set_stripe(stripe);
  id.set_piece(piece);
  return wire{std::move(id)};
}

void sync_nodes(repair_pointer self) {
  auto s = self->state.s;
  s->syncs_waiting = s->to_sync.size();
  if (s->syncs_waiting == 0) return end(self, {});
  for (auto& node : s->to_sync) {
    auto* shard = s->start.cluster->find(node);
    if (shard == nullptr) return end(self, fail(ec::unavailable, "node " + node.name + " can not be reached"));
    self->request(*shard, s->start.limits.sync_timeout, sync_atom::value)
      .then(
        [=] {
          if (--s->syncs_waiting == 0) end(self, {});
        },
        [=](const caf::error& e) { end(self, from_caf(e)); });
  }
}

void append_rebuilt(repair_pointer self) {
  auto s = self->state.s;
  auto& [stripe, missing] = *s->gaps.begin();
  std::vector<std::uint32_t> wanted;
  for (auto& g : missing)
    if (!s->open->pieces[g.piece]) wanted.push_back(g.piece);
  if (!wanted.empty()) {
    auto made = rebuild_pieces(s->codec, s->map.layout(), stripe, s->open->pieces, wanted);
    if (!made) return end(self, made.error());
    for (std::size_t i = 0; i < wanted.size(); ++i) s->open->pieces[wanted[i]] = std::move((*made)[i]);
  }
  s->open->rebuilt = true;
  s->open->appends_waiting = missing.size();
  for (std::size_t i = 0; i < missing.size(); ++i) {
    auto* shard = s->start.cluster->find(missing[i].node);
    if (shard == nullptr)
      return end(self, fail(ec::unavailable, "node " + missing[i].node.name + " can not be reached"));
    s->to_sync.insert(missing[i].node);
    self
      ->request(*shard, s->start.limits.piece_timeout, append_atom::value, name_of(*s, stripe, missing[i].piece),
        *s->open->pieces[missing[i].piece])
      .then(
        [=] {
          if (ended(*s) || --s->open->appends_waiting != 0) return;
          s->gaps.erase(s->gaps.begin());
          begin_stripe(self);
        },
        [=](const caf::error& e) { end(self, from_caf(e)); });
  }
}

void look(repair_pointer self) {
  auto& s = *self->state.s;
  if (ended(s) || !s.open || s.open->rebuilt) return;
  auto k = s.map.layout().geometry().k;
  for (std::uint32_t i = 0; i < k; ++i)
    if (!s.open->plan.obtainable(i)) return;
  append_rebuilt(self);
}

void piece_failed(repair_pointer self, std::uint32_t piece, const std::string& why) {
  auto& s = *self->state.s;
  s.open->failures += (s.open->failures.empty() ? "" : "; ") + why;
  auto more = s.open->plan.failed(piece);
  if (s.open->plan.possible()) return ask(self, more);
  auto stripe = s.gaps.begin()->first;
  end(self,
    fail(ec::unavailable, "stripe " + std::to_string(stripe) + " has too few readable pieces: " + s.open->failures));
}

void ask(repair_pointer self, const stripe_read::asks& todo) {
  auto s = self->state.s;
  auto stripe = s->gaps.begin()->first;
  for (auto piece : todo) {
    if (ended(*s)) return;
    auto& node = s->from.nodes_of(stripe)[piece];
    auto* shard = s->start.cluster->find(node);
    if (shard == nullptr) {
      piece_failed(self, piece, node.name + ": can not be reached");
      continue;
    }
    auto mine = [=] { return !ended(*s) && s->open && !s->open->rebuilt && s->gaps.begin()->first == stripe; };
    self->request(*shard, s->start.limits.piece_timeout, read_atom::value, name_of(*s, stripe, piece))
      .then(
        [=](const chunk& bytes) {
          if (!mine()) return;
          if (bytes.size() != stored_bytes(s->map.layout(), stripe, piece))
            return piece_failed(self, piece, node.name + ": a piece of another size");
          s->open->pieces[piece] = bytes;
          ask(self, s->open->plan.arrived(piece));
          look(self);
        },
        [=](const caf::error& e) {
          if (!mine()) return;
          piece_failed(self, piece, node.name + ": " + from_caf(e).message);
          look(self);
        });
  }
}

// What could not be copied, from k others.
void rebuild_missing(repair_pointer self) {
  auto s = self->state.s;
  auto k = s->map.layout().geometry().k;
  bool all_here = true;
  for (auto& lost : s->gaps.begin()->second) {
    if (s->open->pieces[lost.piece]) {
      s->open->plan.arrived(lost.piece);
    } else {
      all_here = false;
      s->open->plan.failed(lost.piece); // nobody wants it yet: it is only not asked for
    }
  }
  if (all_here) return append_rebuilt(self);
  for (std::uint32_t i = 0; i < k && !ended(*s); ++i) {
    auto todo = s->open->plan.want(i);
    if (!s->open->plan.possible()) return end(self, fail(ec::unavailable, "too few pieces are left"));
    ask(self, todo);
  }
  look(self);
}

// The pieces that move, from the nodes that they leave.
void copy_moved(repair_pointer self) {
  auto s = self->state.s;
  auto& [stripe, missing] = *s->gaps.begin();
  s->open->copies_waiting = 1; // held until all requests are out
  auto one_done = [=] {
    if (--s->open->copies_waiting == 0) rebuild_missing(self);
  };
  for (auto& g : missing) {
    auto* shard = s->start.cluster->find(s->from.nodes_of(stripe)[g.piece]);
    if (shard == nullptr) continue;
    ++s->open->copies_waiting;
    self->request(*shard, s->start.limits.piece_timeout, read_atom::value, name_of(*s, stripe, g.piece))
      .then(
        [=, stripe = stripe, piece = g.piece](const chunk& bytes) {
          if (bytes.size() == stored_bytes(s->map.layout(), stripe, piece)) s->open->pieces[piece] = bytes;
          one_done();
        },
        [=](const caf::error&) { one_done(); });
  }
  one_done();
}

void open_stripe_now(repair_pointer self) {
  auto& s = *self->state.s;
  auto& [stripe, missing] = *s.gaps.begin();
  auto g = s.map.layout().geometry();
  auto empty = s.map.empty_pieces(stripe);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < g.k + g.m; ++i) order.push_back(i);
  s.open.emplace(stripe_read{g.k, g.m, empty, std::move(order)});
  s.open->pieces.resize(g.k + g.m);
  for (std::uint32_t i = 0; i < g.k; ++i)
    if ((empty >> i & 1) != 0) s.open->pieces[i] = chunk{};
  if (s.moves()) return copy_moved(self);
  rebuild_missing(self);
}

void begin_stripe(repair_pointer self) {
  auto& s = *self->state.s;
  if (s.gaps.empty()) return sync_nodes(self);
  if (!s.start.rate) return open_stripe_now(self);
  auto& [stripe, missing] = *s.gaps.begin();
  std::uint64_t bytes = 0;
  for (auto& g : missing) bytes += stored_bytes(s.map.layout(), stripe, g.piece);
  s.open.reset();
  auto wait = s.start.rate->take(bytes, self->clock().now().time_since_epoch());
  if (wait.count() == 0) return open_stripe_now(self);
  self->delayed_send(self, wait, next_atom::value);
}

paced_repair::behavior_type repair(repair_pointer self, std::shared_ptr<session> s) {
  self->state.s = std::move(s);
  self->set_default_handler(caf::drop);
  return {
    [self](repair_atom) -> caf::result<void> {
      reply<> done{self};
      if (self->state.s->asker.pending()) {
        done(fail(ec::bad_argument, "repair: asked twice"));
      } else {
        self->state.s->asker = done;
        begin_stripe(self);
      }
      return done.later();
    },
    [self](next_atom) {
      auto& st = *self->state.s;
      if (!ended(st) && !st.open && !st.gaps.empty()) open_stripe_now(self);
    },
  };
}

} // namespace

result<repair_actor> spawn_repair(caf::actor_system& system, repair_start start) {
  auto map = map_of(start.what->extent());
  if (!map) return map.error();
  auto g = map->layout().geometry();
  auto codec = erasure_codec::make(g.k, g.m);
  if (!codec) return codec.error();
  auto what = start.what;
  auto from = map_of(what->has_before() ? what->before() : what->extent());
  if (!from) return from.error();
  if (from->id() != map->id() || from->layout().size() != map->layout().size() ||
    from->layout().geometry() != map->layout().geometry())
    return fail(ec::bad_argument, "an extent's placement before is of other content");
  auto s = std::make_shared<session>(std::move(start), std::move(*map), std::move(*from), std::move(*codec));
  for (auto& m : what->missing()) {
    if (m.stripe() >= s->map.layout().stripes() || m.piece() >= g.k + g.m)
      return fail(ec::corrupt, "a repair record names a piece that its extent does not have");
    if (stored_bytes(s->map.layout(), m.stripe(), m.piece()) == 0) continue; // known zeros, never stored
    s->gaps[m.stripe()].push_back({m.piece(), s->map.nodes_of(m.stripe())[m.piece()]});
  }
  return caf::actor_cast<repair_actor>(spawn_counted(system, repair, std::move(s)));
}

} // namespace troupe
