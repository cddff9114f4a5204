// healer_fixture: a HEALER over metadata in memory and a REPLICATOR that only counts what it is asked, under the virtual clock.
#pragma once

#include "actors/cluster_view.hpp"
#include "actors/healer.hpp"
#include "actors/reply.hpp"
#include "core/read_pins.hpp"
#include "core/tables.hpp"
#include "support/actor_fixture.hpp"
#include "support/model_metadata.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::test {

class manual_clock final : public wall_clock {
public:
  unix_ms now() const override { return now_ms; }
  unix_ms now_ms = 1'000'000;
};

struct removals {
  std::set<std::string> removed, repaired, lacking; // data ids
  std::size_t removes = 0, compared = 0, repairs = 0;
  bool hold_repairs = false; // until somebody sets it back, and answers
  std::vector<reply<>> held;
  std::optional<std::size_t> answered; // which of those a tick answers; nothing: all
  std::function<void()> on_compare;
  std::function<void()> on_repair;
  bool refuse = false;
};

inline void answer_one(removals& log) {
  const auto one = log.held.begin() + static_cast<std::ptrdiff_t>(*log.answered);
  (*one)({});
  log.held.erase(one);
}

using ticking_replicator = replicator_actor::extend<caf::reacts_to<tick_atom>>; // answers the repairs that are held

inline ticking_replicator::behavior_type counting_replicator(
  ticking_replicator::pointer self, std::shared_ptr<removals> log) {
  return {
    [](upload_atom, const upload_options&) -> caf::result<upload_actor> {
      return to_caf(fail(ec::internal, "unexpected upload"));
    },
    [](download_atom, const wire<pb::extent>&, std::uint64_t, std::uint64_t, const trace_context&)
      -> caf::result<download_actor> { return to_caf(fail(ec::internal, "unexpected download")); },
    [log](remove_atom, const wire<pb::extent>& e) -> caf::result<void> {
      if (log->refuse) return to_caf(fail(ec::unavailable, "a node is down"));
      ++log->removes;
      log->removed.insert(e->data_id());
      return caf::unit;
    },
    [log](compare_atom, const wire<pb::extent>& e) -> caf::result<wire<pb::repair_record>> {
      ++log->compared;
      pb::repair_record found;
      *found.mutable_extent() = *e;
      if (log->lacking.contains(e->data_id())) found.add_missing()->set_node("node-1");
      if (log->on_compare) log->on_compare();
      return wire{std::move(found)};
    },
    [self, log](repair_atom, const wire<pb::repair_record>& r) -> caf::result<void> {
      if (log->refuse) return to_caf(fail(ec::unavailable, "a node is down"));
      ++log->repairs;
      log->repaired.insert(r->extent().data_id());
      if (log->on_repair) log->on_repair();
      reply<> done{self};
      if (log->hold_repairs)
        log->held.push_back(done);
      else
        done({});
      return done.later();
    },
    [](view_atom, const new_view&) {},
    [](shards_atom) { return new_view{std::make_shared<const cluster_view>()}; },
    [log](tick_atom) {
      if (!log->answered)
        for (auto& done : std::exchange(log->held, {})) done({});
      else
        answer_one(*log);
    },
  };
}

inline data_id id_of(char c) {
  data_id id;
  id.raw.fill(static_cast<std::byte>(c));
  return id;
}

struct healer_fixture {
  actor_fixture fx;
  manual_clock clock;
  read_pins pins;
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::shared_ptr<removals> log = std::make_shared<removals>();
  metadata_actor metadata = fx.own(fx.system.spawn(model_metadata, rows, nullptr));
  ticking_replicator replicator = fx.own(fx.system.spawn(counting_replicator, log));
  healer_actor heal;
  std::uint32_t rows_per_step = 2;

  void start() {
    healer_options o;
    o.metadata = metadata;
    o.replicator = replicator;
    o.pins = &pins;
    o.clock = &clock;
    o.grace_ms = 60'000;
    o.rows_per_step = rows_per_step;
    heal = fx.own(fx.system.spawn(healer, o));
  }
  void add_garbage(std::uint32_t n, char table, std::string value) {
    pb::garbage_record row;
    row.set_table(std::string(1, table));
    row.set_value(std::move(value));
    row.set_deleted_ms(clock.now_ms);
    rows->put(tables::garbage_row(7, n), row.SerializeAsString());
  }
  void add_garbage_object(std::uint32_t n, char id) {
    pb::object_record record;
    record.mutable_extent()->set_data_id(id_of(id).to_bytes());
    add_garbage(n, tables::objects, record.SerializeAsString());
  }
  void add_repair(char id) {
    pb::repair_record record;
    record.mutable_extent()->set_data_id(id_of(id).to_bytes());
    rows->put(tables::repair(id_of(id)), record.SerializeAsString());
  }
  bool garbage_left(std::uint32_t n) { return rows->get(tables::garbage_row(7, n))->has_value(); }
};

} // namespace troupe::test
