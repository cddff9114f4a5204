#include "actors/download.hpp"

#include "actors/census.hpp"
#include "actors/reply.hpp"
#include "base/log_limit.hpp"
#include "codec/erasure.hpp"
#include "codec/text.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_read.hpp"
#include "core/stripe_rebuild.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <map>

namespace troupe {
namespace {

using ticking_download = download_actor::extend<caf::reacts_to<tick_atom>>;
using clock_time = std::chrono::steady_clock::time_point; // the actor clock's

// A stripe of which pieces are being read; lives as long as a part of it has not been delivered.
struct open_stripe {
  explicit open_stripe(stripe_read r) : plan(std::move(r)) {}
  stripe_read plan;
  std::vector<chunk> pieces;
  std::map<std::uint32_t, clock_time> asked; // without an answer
  std::uint32_t hedged = 0;                  // bits: counted as overdue
  std::string failures;                      // for the error, when it comes to that
};

struct session {
  session(download_start s, extent_map m, erasure_codec c)
      : start(std::move(s)), map(std::move(m)), codec(std::move(c)) {
    auto size = map.layout().size();
    position = std::min(start.offset, size);
    end = position + std::min(start.length, size - position);
    first_stripe = position < size ? map.layout().at(position).stripe : 0;
    start.traced.set("troupe.bytes", end - position);
    trace = start.traced.context_bytes();
  }
  download_start start;
  extent_map map;
  erasure_codec codec;
  std::uint64_t position = 0, end = 0; // content that was not asked for yet
  std::deque<piece_range> window;      // asked for, not delivered, in order
  std::uint64_t window_bytes = 0;
  std::map<std::uint64_t, open_stripe> stripes;
  reply<chunk> waiting;
  std::optional<error> failure;
  clock_time last_message;
  std::optional<clock_time> armed;
  log_limit lines;
  std::uint64_t first_stripe = 0;
  std::string trace; // for the nodes; empty: not traced
};

struct download_state {
  download_state() = default;
  download_state(const download_state&) = delete;
  download_state& operator=(const download_state&) = delete;
  ~download_state() {
    if (s) s->waiting = {}; // whoever still waits is told
  }
  static inline const char* name = "download";
  std::shared_ptr<session> s;
};

using download_pointer = ticking_download::stateful_pointer<download_state>;

void arm(download_pointer self, clock_time when) {
  auto& s = *self->state.s;
  if (s.armed && *s.armed <= when) return;
  s.armed = when;
  self->delayed_send(self, std::max(when - self->clock().now(), clock_time::duration{0}), tick_atom::value);
}

// All pieces, those of the local node first.
std::vector<std::uint32_t> order_of(const session& s, std::uint64_t stripe) {
  auto& nodes = s.map.nodes_of(stripe);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) order.push_back(i);
  std::stable_partition(order.begin(), order.end(), [&](auto i) { return nodes[i] == s.start.cluster->local; });
  return order;
}

result<chunk> decode(const session& s, std::uint64_t stripe, const open_stripe& o, std::uint32_t piece) {
  auto g = s.map.layout().geometry();
  std::vector<std::optional<chunk>> pieces(g.k + g.m);
  for (std::uint32_t i = 0; i < g.k + g.m; ++i) {
    if (!o.plan.here(i)) continue;
    if (g.k == 1) return o.pieces[i]; // a copy
    pieces[i] = o.pieces[i];
  }
  auto made = rebuild_pieces(s.codec, s.map.layout(), stripe, pieces, std::span{&piece, 1});
  if (!made) return made.error();
  return std::move(made->front());
}

void fail_session(download_pointer self, error e) {
  auto& s = *self->state.s;
  bool told = s.waiting.pending();
  s.start.traced.failed(e.message);
  s.waiting(e);
  s.failure = std::move(e);
  s.stripes.clear();
  s.window.clear();
  if (told) self->quit(); // else the next message is told
}

void ask(download_pointer self, std::uint64_t stripe, stripe_read::asks todo);
void advance(download_pointer self);

void piece_failed(download_pointer self, std::uint64_t stripe, std::uint32_t piece, const error& e) {
  auto s = self->state.s;
  auto found = s->stripes.find(stripe);
  if (s->failure || found == s->stripes.end()) return;
  auto& o = found->second;
  auto& node = s->map.nodes_of(stripe)[piece].name;
  if (s->lines.allow(self->clock().now()))
    spdlog::warn("download: data id {} stripe {} piece {} on node {}: {}: {}", hex_encode(s->map.id().to_bytes()),
      stripe, piece, node, to_string(e.code), e.message);
  o.failures += (o.failures.empty() ? "" : "; ") + node + ": " + std::string{to_string(e.code)};
  o.asked.erase(piece);
  auto more = o.plan.failed(piece);
  if (!o.plan.possible())
    return fail_session(
      self, fail(ec::unavailable, "stripe " + std::to_string(stripe) + " has too few readable pieces: " + o.failures));
  ask(self, stripe, std::move(more));
}

void piece_arrived(download_pointer self, std::uint64_t stripe, std::uint32_t piece, const chunk& bytes) {
  auto& s = *self->state.s;
  auto found = s.stripes.find(stripe);
  if (s.failure || found == s.stripes.end()) return; // delivered from other pieces meanwhile
  auto& o = found->second;
  if (auto asked = o.asked.find(piece); asked != o.asked.end()) {
    s.start.latency->sample(
      std::chrono::duration_cast<latency_estimate::duration>(self->clock().now() - asked->second));
    o.asked.erase(asked);
  }
  auto expected = stored_bytes(s.map.layout(), stripe, piece);
  if (bytes.size() != expected)
    return piece_failed(self, stripe, piece,
      fail(ec::corrupt, "a piece of " + std::to_string(bytes.size()) + " bytes, expected " + std::to_string(expected)));
  o.pieces[piece] = bytes;
  ask(self, stripe, o.plan.arrived(piece));
}

void ask(download_pointer self, std::uint64_t stripe, stripe_read::asks todo) {
  auto s = self->state.s;
  for (auto piece : todo) {
    if (s->failure) return;
    auto found = s->stripes.find(stripe);
    if (found == s->stripes.end()) return;
    auto* shard = s->start.cluster->find(s->map.nodes_of(stripe)[piece]);
    if (shard == nullptr) {
      piece_failed(self, stripe, piece, fail(ec::unavailable, "the node can not be reached"));
      continue;
    }
    auto now = self->clock().now();
    found->second.asked[piece] = now;
    pb::piece_id id;
    id.set_data_id(s->map.id().to_bytes());
    id.set_stripe(stripe);
    id.set_piece(piece);
    if (!s->trace.empty() && stripe - s->first_stripe < s->start.limits.stripes_traced_max) id.set_trace(s->trace);
    self->request(*shard, s->start.limits.piece_timeout, read_atom::value, wire{std::move(id)})
      .then(
        [=](const chunk& bytes) {
          piece_arrived(self, stripe, piece, bytes);
          advance(self);
        },
        [=](const caf::error& e) {
          piece_failed(self, stripe, piece, from_caf(e));
          advance(self);
        });
    arm(self, now + s->start.latency->hedge_after());
  }
}

// Asks for what fits in the window: read_ahead_bytes, and two pieces whatever their size.
void fill_window(download_pointer self) {
  auto& s = *self->state.s;
  auto& layout = s.map.layout();
  while (
    !s.failure && s.position < s.end && (s.window.size() < 2 || s.window_bytes < s.start.limits.read_ahead_bytes)) {
    auto next = layout.at(s.position);
    next.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(next.length, s.end - s.position));
    s.position += next.length;
    s.window_bytes += layout.data_bytes(next.stripe, next.piece); // the whole piece is read
    s.window.push_back(next);
    auto g = layout.geometry();
    auto found = s.stripes.find(next.stripe);
    if (found == s.stripes.end()) {
      stripe_read plan{g.k, g.m, s.map.empty_pieces(next.stripe), order_of(s, next.stripe)};
      found = s.stripes.emplace(next.stripe, open_stripe{std::move(plan)}).first;
      found->second.pieces.resize(g.k + g.m);
    }
    ask(self, next.stripe, found->second.plan.want(next.piece));
  }
}

// Delivers when the next bytes are there and somebody waits, then reads on.
void advance(download_pointer self) {
  auto& s = *self->state.s;
  fill_window(self);
  if (s.failure || !s.waiting.pending()) return;
  if (s.window.empty()) {
    s.start.traced.end();
    s.waiting(chunk{});
    self->quit();
    return;
  }
  auto next = s.window.front();
  auto& o = s.stripes.at(next.stripe);
  if (!o.plan.obtainable(next.piece)) return;
  auto piece = o.plan.here(next.piece) ? result<chunk>{o.pieces[next.piece]} : decode(s, next.stripe, o, next.piece);
  if (!piece) return fail_session(self, piece.error());
  s.waiting(piece->slice(next.offset, next.length));
  s.window_bytes -= s.map.layout().data_bytes(next.stripe, next.piece);
  s.window.pop_front();
  if (s.window.empty() || s.window.front().stripe != next.stripe)
    if (s.position == s.end || s.map.layout().at(s.position).stripe != next.stripe) s.stripes.erase(next.stripe);
  fill_window(self);
}

void tick(download_pointer self) {
  auto& s = *self->state.s;
  s.armed.reset();
  auto now = self->clock().now();
  if (!s.waiting.pending() && now - s.last_message >= s.start.limits.idle_timeout) return self->quit();
  auto hedge = s.start.latency->hedge_after();
  auto next = now + s.start.limits.idle_timeout / 20;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> overdue;
  for (auto& [stripe, o] : s.stripes)
    for (auto& [piece, since] : o.asked) {
      if ((o.hedged >> piece & 1) != 0) continue;
      if (now - since >= hedge) {
        overdue.emplace_back(stripe, piece);
        o.hedged |= std::uint32_t{1} << piece;
      } else {
        next = std::min<clock_time>(next, since + hedge);
      }
    }
  for (auto [stripe, piece] : overdue)
    if (auto o = s.stripes.find(stripe); o != s.stripes.end()) ask(self, stripe, o->second.plan.overdue(piece));
  advance(self);
  arm(self, next);
}

ticking_download::behavior_type download(download_pointer self, std::shared_ptr<session> s) {
  self->state.s = s;
  self->set_default_handler(caf::drop);
  s->last_message = self->clock().now();
  arm(self, s->last_message + s->start.limits.idle_timeout / 20);
  fill_window(self);
  return {
    [self](next_atom) -> caf::result<chunk> {
      auto& st = *self->state.s;
      st.last_message = self->clock().now();
      reply<chunk> done{self};
      if (st.failure) {
        done(*st.failure);
        self->quit();
      } else if (st.waiting.pending()) {
        done(fail(ec::bad_argument, "download: next before the answer to the one before"));
      } else {
        st.waiting = done;
        advance(self);
      }
      return done.later();
    },
    [self](abandon_atom) { self->quit(); },
    [self](tick_atom) { tick(self); },
  };
}

} // namespace

result<download_actor> spawn_download(caf::actor_system& system, download_start start) {
  auto map = map_of(*start.extent);
  if (!map) return map.error();
  auto g = map->layout().geometry();
  auto codec = erasure_codec::make(g.k, g.m);
  if (!codec) return codec.error();
  auto s = std::make_shared<session>(std::move(start), std::move(*map), std::move(*codec));
  return spawn_counted(system, download, std::move(s));
}

} // namespace troupe
