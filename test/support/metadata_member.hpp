// metadata_member: one METADATA actor on a simulated disk that can lose its power, with what survives a crash (disk and
// checkpointed state) kept apart from what does not (actors). Start, ask, crash, start again.
#pragma once

#include "actors/metadata.hpp"
#include "actors/reply.hpp"
#include "actors/syncer.hpp"
#include "base/environment.hpp"
#include "store/sim_disk.hpp"
#include "support/actor_fixture.hpp"
#include "support/print_result.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>

namespace troupe {

class seeded_entropy final : public entropy {
public:
  explicit seeded_entropy(std::uint64_t seed) : random_(seed) {}
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(random_());
  }

private:
  std::mt19937_64 random_;
};

// A state that is on the same machine as the disk: when the power is off, nothing is written to it either.
class powered_base final : public state_base {
public:
  powered_base(std::shared_ptr<state_base> base, std::shared_ptr<sim_disk> files)
      : base_(std::move(base)), files_(std::move(files)) {}
  result<std::string> position() const override { return base_->position(); }
  result<std::optional<std::string>> get(std::string_view key) const override { return base_->get(key); }
  result<std::unique_ptr<cursor>> scan() const override { return base_->scan(); }
  result<> write(std::span<const change> all, const write_steps& steps) override {
    if (files_->powered_off()) return fail(ec::closed, "the power is off");
    if (failing) return fail(ec::io_error, "a simulated error of the state");
    ++checkpoints;
    return base_->write(all, steps);
  }
  result<std::shared_ptr<state_copy>> copy() const override { return base_->copy(); }
  result<std::shared_ptr<state_arrival>> receive() override { return base_->receive(); }
  result<> replace(state_arrival& arrival) override {
    if (files_->powered_off()) return fail(ec::closed, "the power is off");
    ++replaced;
    return base_->replace(arrival);
  }
  bool failing = false;
  std::size_t checkpoints = 0, replaced = 0;

private:
  std::shared_ptr<state_base> base_;
  std::shared_ptr<sim_disk> files_;
};

// A syncer that waits until the test lets a sync through.
struct gated_syncs {
  struct held {
    log_sync ticket;
    reply<> answer;
  };
  bool open = true;
  std::size_t syncs = 0;
  std::deque<held> waiting;
};

using gated_syncer_actor = syncer_actor::extend<caf::reacts_to<next_atom>, // lets the oldest sync through
  caf::reacts_to<abandon_atom>>;                                           // forgets all that wait

inline gated_syncer_actor spawn_gated_syncer(caf::actor_system& system, std::shared_ptr<gated_syncs> gate) {
  return system.spawn([gate](gated_syncer_actor::pointer self) -> gated_syncer_actor::behavior_type {
    return {
      [=](sync_atom, const log_sync& ticket) -> caf::result<void> {
        ++gate->syncs;
        reply<> answer{self};
        if (gate->open)
          answer(ticket.run());
        else
          gate->waiting.push_back({ticket, answer});
        return answer.later();
      },
      [=](next_atom) {
        if (gate->waiting.empty()) FAIL("no sync is waiting");
        auto h = std::move(gate->waiting.front());
        gate->waiting.pop_front();
        h.answer(h.ticket.run());
      },
      [=](abandon_atom) { gate->waiting.clear(); },
    };
  });
}

inline pb::batch put(std::string key, std::string value) {
  pb::batch b;
  auto& o = *b.add_operations();
  o.set_kind(pb::operation::put);
  o.set_key(std::move(key));
  o.set_value(std::move(value));
  return b;
}

// Every name in the Raft directory of the simulated disk that holds records.
inline std::vector<std::string> segment_files(sim_disk& files) {
  std::vector<std::string> found{"metadata/wal.active"};
  for (auto& name : files.list("metadata/wal.segments").value()) found.push_back("metadata/wal.segments/" + name);
  return found;
}

class metadata_member {
public:
  explicit metadata_member(std::uint64_t seed = 1) : random(seed), files(std::make_shared<sim_disk>(seed)) {
    spdlog::set_level(spdlog::level::off); // thousands of simulated failures
  }
  ~metadata_member() {
    stop();
    spdlog::set_level(level_before_);
  }
  metadata_member(const metadata_member&) = delete;
  metadata_member& operator=(const metadata_member&) = delete;

  // What a test changes before start().
  metadata_options options;
  seeded_entropy random;
  std::shared_ptr<sim_disk> files;
  std::shared_ptr<state_base> base = make_memory_base();
  std::shared_ptr<powered_base> powered;
  std::shared_ptr<gated_syncs> gate;
  gated_syncer_actor syncer;

  std::optional<actor_fixture> actors;
  metadata_actor actor;

  result<> start() {
    stop();
    actors.emplace();
    gate = std::make_shared<gated_syncs>();
    powered = std::make_shared<powered_base>(base, files);
    auto o = options;
    o.files = files;
    o.directory = "metadata";
    o.base = powered;
    o.random = &random;
    o.detached = false;
    syncer = actors->own(spawn_gated_syncer(actors->system, gate));
    o.syncer = syncer;
    o.worker = actors->own(spawn_worker(actors->system, false));
    auto made = spawn_metadata(actors->system, std::move(o));
    if (!made) return std::move(made).error();
    actor = actors->own(*made);
    actors->run();
    return {};
  }
  void stop() {
    actor = nullptr;
    syncer = nullptr;
    actors.reset();
  }
  void release_sync() {
    caf::anon_send(syncer, next_atom::value);
    actors->run();
  }
  void crash() {
    if (!files->powered_off()) files->power_off_after(0);
    stop();
    files->crash();
  }

  answer<wire<pb::batch_result>> commit(pb::batch b) {
    return actors->ask<wire<pb::batch_result>>(actor, commit_atom::value, wire{std::move(b)});
  }
  pb::batch_result committed(pb::batch b) {
    auto a = commit(std::move(b));
    actors->wait(a);
    return *a.value();
  }
  answer<wire<pb::read_reply>> read(std::vector<std::string> keys) {
    pb::read_request q;
    for (auto& k : keys) q.add_keys(std::move(k));
    return actors->ask<wire<pb::read_reply>>(actor, read_atom::value, wire{std::move(q)});
  }
  std::optional<std::string> get(const std::string& key) {
    auto a = read({key});
    actors->wait(a);
    const auto& reply = *a.value();
    return reply.rows_size() == 0 ? std::nullopt : std::optional<std::string>{reply.rows(0).value()};
  }
  pb::metadata_status status() {
    auto a = actors->ask<wire<pb::metadata_status>>(actor, status_atom::value);
    actors->wait(a);
    return *a.value();
  }
  // Every row, page by page.
  std::map<std::string, std::string> all() {
    std::map<std::string, std::string> found;
    std::string after;
    for (bool more = true; more;) {
      pb::list_request q;
      q.set_start_after(after);
      q.set_limit(100);
      auto a = actors->ask<wire<pb::list_reply>>(actor, list_atom::value, wire{std::move(q)});
      actors->wait(a);
      const auto& page = *a.value();
      for (const auto& e : page.entries()) found[e.key()] = e.value();
      more = page.truncated();
      after = page.last();
    }
    return found;
  }

private:
  spdlog::level::level_enum level_before_ = spdlog::get_level();
};

} // namespace troupe
