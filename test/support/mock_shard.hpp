// mock_shard: a shard in memory that does what its script says: fail, hang, lose, corrupt. Shared with the test.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/reply.hpp"
#include "core/extent_codec.hpp"
#include "core/stripe_rebuild.hpp"
#include "store/piece_index.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace troupe::test {

struct shard_script {
  shard_script() = default;
  // Nothing: as a healthy shard. ec::timeout: no answer before a tick (the oldest one then).
  std::optional<ec> on_append, on_sync, on_read, on_remove;
  std::map<piece_key, chunk> pieces;
  std::uint64_t instance = 1, damaged_pieces = 0;               // as its status says
  std::string node;                                             // its name
  std::uint64_t appends = 0, syncs = 0, reads = 0, removes = 0; // received
  std::vector<std::function<void()>> held;

  std::uint64_t held_bytes = 0; // of appends without an answer
  void fail_all(ec code) { on_append = on_sync = on_read = on_remove = code; }
  void heal() { on_append = on_sync = on_read = on_remove = std::nullopt; }
};

inline piece_key key_of(const pb::piece_id& id) { return {data_id::from_bytes(id.data_id()), id.stripe(), id.piece()}; }

using scripted_shard = shard_actor::extend<caf::reacts_to<tick_atom>>;

inline scripted_shard::behavior_type mock_shard(scripted_shard::pointer self, const std::shared_ptr<shard_script>& s) {
  return {
    [=](append_atom, const wire<pb::piece_id>& id, const chunk& bytes) -> caf::result<void> {
      ++s->appends;
      reply<> done{self};
      auto key = key_of(*id);
      if (s->on_append == ec::timeout) {
        s->held_bytes += bytes.size();
        s->held.push_back([=] {
          s->pieces[key] = bytes;
          done({});
        });
      } else if (s->on_append) {
        done(fail(*s->on_append, "scripted"));
      } else {
        s->pieces[key] = bytes;
        done({});
      }
      return done.later();
    },
    [=](sync_atom) -> caf::result<void> {
      ++s->syncs;
      reply<> done{self};
      if (s->on_sync == ec::timeout) {
        s->held.push_back([=] { done({}); });
      } else if (s->on_sync) {
        done(fail(*s->on_sync, "scripted"));
      } else {
        done({});
      }
      return done.later();
    },
    [=](read_atom, const wire<pb::piece_id>& id) -> caf::result<chunk> {
      ++s->reads;
      reply<chunk> done{self};
      auto found = s->pieces.find(key_of(*id));
      if (s->on_read == ec::timeout) {
        s->held.push_back(
          [=] { done(found == s->pieces.end() ? result<chunk>{fail(ec::not_found, "gone")} : found->second); });
      } else if (s->on_read) {
        done(fail(*s->on_read, "scripted"));
      } else if (found == s->pieces.end()) {
        done(fail(ec::not_found, "no such piece"));
      } else {
        done(found->second);
      }
      return done.later();
    },
    [=](remove_atom, const data_id& id) -> caf::result<void> {
      ++s->removes;
      reply<> done{self};
      if (s->on_remove == ec::timeout) {
        s->held.push_back([=] {
          std::erase_if(s->pieces, [&](const auto& p) { return p.first.id == id; });
          done({});
        });
      } else if (s->on_remove) {
        done(fail(*s->on_remove, "scripted"));
      } else {
        std::erase_if(s->pieces, [&](const auto& p) { return p.first.id == id; });
        done({});
      }
      return done.later();
    },
    [=](compare_atom, const wire<pb::extent>& extent) -> caf::result<wire<pb::repair_record>> {
      if (s->on_read) return to_caf(fail(*s->on_read, "scripted"));
      auto map = map_of(*extent);
      if (!map) return to_caf(map.error());
      pb::repair_record out;
      for (std::uint64_t stripe = 0; stripe < map->layout().stripes(); ++stripe)
        for (std::uint32_t piece = 0; piece < map->nodes_of(stripe).size(); ++piece) {
          bool held = s->pieces.contains({map->id(), stripe, piece}) || stored_bytes(map->layout(), stripe, piece) == 0;
          if (map->nodes_of(stripe)[piece].name != s->node || held) continue;
          auto& m = *out.add_missing();
          m.set_stripe(stripe);
          m.set_piece(piece);
          m.set_node(s->node);
        }
      return wire{std::move(out)};
    },
    [=](list_atom, const wire<pb::held_request>& what) -> caf::result<wire<pb::held_page>> {
      if (s->on_read) return to_caf(fail(*s->on_read, "scripted"));
      std::set<std::string> ids;
      for (auto& [key, bytes] : s->pieces) ids.insert(key.id.to_bytes());
      pb::held_page page;
      for (auto i = ids.upper_bound(what->after()); i != ids.end(); ++i) {
        page.set_more(page.ids_size() == static_cast<int>(what->limit()));
        if (page.more()) break;
        page.add_ids(*i);
      }
      return wire{std::move(page)};
    },
    [=](status_atom) {
      pb::shard_status status;
      status.set_node(s->node);
      status.set_instance(s->instance);
      status.set_damaged_pieces(s->damaged_pieces);
      return wire{std::move(status)};
    },
    [=](tick_atom) {
      if (s->held.empty()) return;
      auto oldest = std::move(s->held.front());
      s->held.erase(s->held.begin());
      oldest();
    },
  };
}

} // namespace troupe::test
