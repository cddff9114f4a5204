#include "actors/replicator.hpp"

#include "actors/census.hpp"
#include "actors/download.hpp"
#include "actors/repair.hpp"
#include "actors/reply.hpp"
#include "actors/upload.hpp"
#include "core/extent_codec.hpp"
#include "core/read_pins.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace troupe {
namespace {

struct replicator_state {
  replicator_state() = default;
  static inline const char* name = "replicator";
  entropy* random = nullptr;
  std::shared_ptr<const cluster_view> cluster;
  std::shared_ptr<suspects> suspected;
  std::shared_ptr<read_latency> latency;
  hasher_actor hasher;
  std::shared_ptr<std::atomic<unsigned>> uploads = std::make_shared<std::atomic<unsigned>>(0);
  session_limits limits;
  read_pins* pins = nullptr;
  std::shared_ptr<shared_byte_rate> healing_rate;
  std::shared_ptr<tracer> tracing;
};

using replicator_pointer = replicator_actor::stateful_pointer<replicator_state>;

// Asks every node of the extent; the first error is the answer, once all have answered.
void remove_everywhere(replicator_pointer self, const extent_map& map, const reply<>& done) {
  struct progress {
    std::size_t waiting = 0;
    result<> outcome;
  };
  auto& s = self->state;
  auto nodes = map.all_nodes();
  auto p = std::make_shared<progress>();
  p->waiting = nodes.size();
  auto answered = [p, done](const node_id& node, const result<>& outcome) {
    if (!outcome && p->outcome)
      p->outcome = fail(outcome.error().code, "node " + node.name + ": " + outcome.error().message);
    if (--p->waiting == 0) done(p->outcome);
  };
  if (nodes.empty()) done({});
  auto& gone = s.cluster->gone;
  for (auto& node : nodes) {
    auto* shard = s.cluster->find(node);
    if (shard == nullptr && std::find(gone.begin(), gone.end(), node) != gone.end()) {
      answered(node, {});
      continue;
    }
    if (shard == nullptr) {
      answered(node, fail(ec::unavailable, "can not be reached"));
      continue;
    }
    self->request(*shard, s.limits.remove_timeout, remove_atom::value, map.id())
      .then([=] { answered(node, {}); }, [=](const caf::error& e) { answered(node, from_caf(e)); });
  }
}

// Asks every node of the extent. What a node that does not answer lacks is not known.
void compare_everywhere(replicator_pointer self, const wire<pb::extent>& extent, const extent_map& map,
  const reply<wire<pb::repair_record>>& done) {
  struct progress {
    std::size_t waiting = 1; // held until all requests are out
    pb::repair_record found;
  };
  auto& s = self->state;
  auto p = std::make_shared<progress>();
  *p->found.mutable_extent() = *extent;
  auto one_done = [p, done] {
    if (--p->waiting == 0) done(wire{std::move(p->found)});
  };
  for (auto& node : map.all_nodes()) {
    auto* shard = s.cluster->find(node);
    if (shard == nullptr) continue;
    ++p->waiting;
    self->request(*shard, s.limits.piece_timeout, compare_atom::value, extent)
      .then(
        [=](const wire<pb::repair_record>& missing) {
          p->found.mutable_missing()->MergeFrom(missing->missing());
          one_done();
        },
        [=](const caf::error&) { one_done(); });
  }
  one_done();
}

replicator_actor::behavior_type replicator(replicator_pointer self, const replicator_options& options) {
  auto& s = self->state;
  s.random = options.random;
  s.cluster = std::make_shared<const cluster_view>(options.cluster);
  s.suspected = std::make_shared<suspects>(options.limits.suspicion);
  s.latency = std::make_shared<read_latency>(options.limits.hedge);
  s.hasher = spawn_hasher(self->system());
  s.limits = options.limits;
  s.pins = options.pins;
  s.healing_rate = options.healing_rate;
  s.tracing = options.tracing;
  self->set_default_handler(caf::drop);
  return {
    [self](upload_atom, const upload_options& what) -> caf::result<upload_actor> {
      auto& st = self->state;
      if (auto ok = check(what.geometry); !ok) return to_caf(ok.error());
      upload_start start;
      start.id = st.random->new_data_id();
      start.what = what;
      start.cluster = st.cluster;
      start.suspected = st.suspected;
      start.hasher = st.hasher;
      start.uploads = st.uploads;
      start.limits = st.limits;
      start.traced = open_span{st.tracing, what.trace, "upload content", span_kind::internal};
      if (st.pins != nullptr) start.in_use = std::make_shared<read_pins::pin>(st.pins->hold(start.id));
      auto session = spawn_upload(self->system(), std::move(start));
      if (!session) return to_caf(session.error());
      return std::move(*session);
    },
    [self](download_atom, const wire<pb::extent>& extent, std::uint64_t offset, std::uint64_t length,
      const trace_context& trace) -> caf::result<download_actor> {
      auto& st = self->state;
      download_start start;
      start.extent = extent;
      start.offset = offset;
      start.length = length;
      start.cluster = st.cluster;
      start.latency = st.latency;
      start.limits = st.limits;
      start.traced = open_span{st.tracing, trace, "download content", span_kind::internal};
      auto session = spawn_download(self->system(), std::move(start));
      if (!session) return to_caf(session.error());
      return std::move(*session);
    },
    [self](remove_atom, const wire<pb::extent>& extent) -> caf::result<void> {
      reply<> done{self};
      if (auto map = map_of(*extent)) {
        remove_everywhere(self, *map, done);
      } else {
        done(map.error());
      }
      return done.later();
    },
    [self](compare_atom, const wire<pb::extent>& extent) -> caf::result<wire<pb::repair_record>> {
      reply<wire<pb::repair_record>> done{self};
      if (auto map = map_of(*extent)) {
        compare_everywhere(self, extent, *map, done);
      } else {
        done(map.error());
      }
      return done.later();
    },
    [self](repair_atom, const wire<pb::repair_record>& what) -> caf::result<void> {
      repair_start start;
      start.what = what;
      start.cluster = self->state.cluster;
      start.limits = self->state.limits;
      start.rate = self->state.healing_rate;
      auto session = spawn_repair(self->system(), std::move(start));
      if (!session) return to_caf(session.error());
      return self->delegate(*session, repair_atom::value);
    },
    [self](view_atom, const new_view& v) {
      auto& st = self->state;
      st.cluster = v.view;
      for (auto& node : v.view->suspects) st.suspected->report(node, self->clock().now());
    },
    [self](shards_atom) { return new_view{self->state.cluster}; },
  };
}

} // namespace

replicator_actor spawn_replicator(caf::actor_system& system, replicator_options options) {
  return spawn_counted(system, replicator, std::move(options));
}

} // namespace troupe
