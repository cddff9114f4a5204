// metadata_group: several METADATA members in one process and one thread, each with a simulated disk and state of its
// own, joined by a metadata_network. Nothing runs, and no time passes, until the test says so; a seed is the whole run.
#pragma once

#include "actors/raft_disk.hpp"
#include "support/metadata_member.hpp"
#include "support/metadata_network.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

namespace troupe {

class metadata_group {
public:
  using rows = std::map<std::string, std::string>;
  struct member {
    explicit member(std::uint64_t seed) : random(seed), files(std::make_shared<sim_disk>(seed)) {}
    seeded_entropy random;
    std::shared_ptr<sim_disk> files;
    std::shared_ptr<state_base> base = make_memory_base();
    metadata_options options;
    // While it is up:
    std::shared_ptr<powered_base> powered;
    std::shared_ptr<gated_syncs> gate;
    gated_syncer_actor syncer;
    worker_actor worker;
    metadata_actor actor;
  };

  metadata_group(std::uint64_t seed, std::uint64_t size) : network(seed), random(seed) {
    if (std::getenv("TROUPE_TEST_LOG") == nullptr) spdlog::set_level(spdlog::level::off);
    for (std::uint64_t id = 1; id <= size; ++id) first_.push_back({id, address_of(id)});
    for (const auto& m : first_) make(m.id);
  }
  ~metadata_group() {
    for (auto& [id, m] : members_) kill(m);
    spdlog::set_level(level_before_);
  }
  metadata_group(const metadata_group&) = delete;
  metadata_group& operator=(const metadata_group&) = delete;

  actor_fixture actors;
  std::size_t pages = 0; // that went over the wire
  metadata_network network;
  std::mt19937_64 random;
  std::function<void(metadata_options&)> tweak; // before every start

  static std::string address_of(std::uint64_t id) { return "metadata-" + std::to_string(id) + ":7000"; }
  // Of the first members, or one that waits to be added.
  member& make(std::uint64_t id) {
    auto& m = members_.try_emplace(id, random()).first->second;
    m.options.id = id;
    m.options.address = address_of(id);
    m.options.members = first_;
    m.options.bootstrap = std::any_of(first_.begin(), first_.end(), [&](auto& x) { return x.id == id; });
    m.options.checkpoint.commands = 50;
    m.options.segment_bytes = 16384;
    return m;
  }
  void forget(std::uint64_t id) { // one that was removed: it does not count any more
    kill(at(id));
    members_.erase(id);
  }
  member& at(std::uint64_t id) { return members_.at(id); }
  std::vector<std::uint64_t> ids() const {
    std::vector<std::uint64_t> all;
    for (auto& [id, m] : members_) all.push_back(id);
    return all;
  }

  result<> start(std::uint64_t id) {
    auto& m = at(id);
    kill(m);
    m.gate = std::make_shared<gated_syncs>();
    m.powered = std::make_shared<powered_base>(m.base, m.files);
    auto o = m.options;
    o.files = m.files;
    o.directory = "metadata";
    o.base = m.powered;
    o.random = &m.random;
    o.detached = false;
    o.send = [this, id](std::uint64_t to, const std::string& address, const wire<pb::raft_message>& message) {
      CHECK(address == address_of(to));
      network.send(id, to, *message);
    };
    o.fetch = [this, id](std::uint64_t to, const std::string&, pb::state_copy_request request, on_page done) {
      questions_.push_back({id, to, std::move(request), std::move(done), now_ms_ + answer_ms_max, std::nullopt});
    };
    m.syncer = actors.own(spawn_gated_syncer(actors.system, m.gate));
    o.syncer = m.syncer;
    m.worker = actors.own(spawn_worker(actors.system, false));
    o.worker = m.worker;
    if (tweak) tweak(o);
    auto made = spawn_metadata(actors.system, std::move(o));
    if (!made) return std::move(made).error();
    m.actor = actors.own(*made);
    return {};
  }
  void start_all() {
    for (auto id : ids()) REQUIRE(start(id));
  }
  bool up(std::uint64_t id) { return members_.contains(id) && at(id).actor != nullptr; }
  // The power goes off: what was not synced is lost, in part.
  void crash(std::uint64_t id) {
    auto& m = at(id);
    if (!m.files->powered_off()) m.files->power_off_after(0);
    kill(m);
    m.files->crash();
  }
  // Asks it to end, and lets it.
  void stop(std::uint64_t id) {
    auto& m = at(id);
    caf::anon_send_exit(m.actor, caf::exit_reason::user_shutdown);
    run_for(3000);
    kill(m);
  }
  // A new disk, and the others know of no answer that still comes from the old one.
  void wipe(std::uint64_t id) {
    auto& m = at(id);
    kill(m);
    network.forget_from(id);
    m.options.recovering = true;
    m.files = std::make_shared<sim_disk>(random());
    m.base = make_memory_base();
  }
  // From and to everybody else.
  void isolate(std::uint64_t id) {
    for (auto other : ids()) {
      network.cut(id, other);
      network.cut(other, id);
    }
  }

  void run_for(std::uint64_t ms) {
    for (std::uint64_t passed = 0; passed < ms; passed += step_ms) step();
  }
  bool run_until(const std::function<bool()>& condition, std::uint64_t limit_ms = 60'000) {
    for (std::uint64_t passed = 0; passed < limit_ms; passed += step_ms) {
      if (condition()) return true;
      step();
    }
    return condition();
  }
  template <class T>
  const result<T>& wait(const answer<T>& a) {
    run_until([&] { return a.ready(); });
    return a.outcome();
  }

  pb::metadata_status status(std::uint64_t id) {
    auto a = actors.ask<wire<pb::metadata_status>>(at(id).actor, status_atom::value);
    actors.run();
    return *a.value();
  }
  // Who says that it leads, in the newest term; 0: nobody.
  std::uint64_t leader() {
    std::uint64_t found = 0, term = 0;
    for (auto id : ids()) {
      if (!up(id)) continue;
      auto s = status(id);
      if (s.state() == "leader" && s.term() >= term) {
        found = id;
        term = s.term();
      }
    }
    return found;
  }
  std::uint64_t wait_for_leader() {
    std::uint64_t found = 0;
    run_until([&] { return (found = leader()) != 0; });
    REQUIRE(found != 0);
    return found;
  }
  std::string describe() {
    std::string all;
    for (auto id : ids())
      all += std::to_string(id) + ": " + (up(id) ? status(id).ShortDebugString() : std::string{"down"}) + "\n";
    return all;
  }
  // Everybody who is up has applied what the leader has committed.
  bool level() {
    auto l = leader();
    if (l == 0) return false;
    auto goal = status(l).commit_index();
    for (auto id : ids())
      if (up(id) && status(id).applied_index() != goal) return false;
    return true;
  }

  answer<wire<pb::batch_result>> commit(std::uint64_t id, const std::string& key, const std::string& value) {
    return actors.ask<wire<pb::batch_result>>(at(id).actor, commit_atom::value, wire{put(key, value)});
  }
  bool committed(std::uint64_t id, const std::string& key, const std::string& value) {
    auto a = commit(id, key, value);
    wait(a);
    return a.ok();
  }
  answer<wire<pb::read_reply>> read(std::uint64_t id, const std::string& key) {
    pb::read_request q;
    q.add_keys(key);
    return actors.ask<wire<pb::read_reply>>(at(id).actor, read_atom::value, wire{std::move(q)});
  }
  std::optional<std::string> get(std::uint64_t id, const std::string& key) {
    auto a = read(id, key);
    wait(a);
    const auto& reply = *a.value();
    return reply.rows_size() == 0 ? std::nullopt : std::optional<std::string>{reply.rows(0).value()};
  }
  answer<> change(std::uint64_t leader, pb::member_change::kinds kind, std::uint64_t id) {
    pb::member_change c;
    c.set_kind(kind);
    c.set_id(id);
    if (kind == pb::member_change::add) c.set_address(address_of(id));
    return actors.ask<>(at(leader).actor, members_atom::value, wire{std::move(c)});
  }

  // What a member that is down holds of the entries up to `index`: read from its disk and its state, without Raft.
  rows rows_of(std::uint64_t id, std::uint64_t index) {
    auto& m = at(id);
    checkpoint_limits none;
    auto replica = metadata_replica::open(m.base, none).value();
    raft_disk_options o;
    o.directory = "metadata";
    o.state_index = replica->checkpointed_index();
    auto disk = raft_disk::open(*m.files, o).value();
    auto next = disk->snapshot_index();
    CHECK(disk->last_index() >= index);
    for (auto& e : disk->take_loaded())
      if (++next <= index && e.type == 1) REQUIRE(replica->apply(next, e.payload));
    rows all;
    std::string after;
    for (bool more = true; more;) {
      pb::list_request q;
      q.set_start_after(after);
      q.set_limit(1000);
      auto page = replica->list(q).value();
      for (const auto& e : page.entries()) all[e.key()] = e.value();
      more = page.truncated();
      after = page.last();
    }
    return all;
  }
  // Lets everybody catch up, ends them all, and compares what they hold.
  rows agreed_rows() {
    auto is_level = run_until([&] { return level(); }, 120'000);
    INFO(describe());
    REQUIRE(is_level);
    auto index = status(leader()).commit_index();
    for (auto id : ids())
      if (up(id)) kill(at(id));
    actors.run();
    std::optional<rows> all;
    for (auto id : ids()) {
      auto mine = rows_of(id, index);
      if (!all) all = mine;
      CHECK(mine == *all);
    }
    return *all;
  }

private:
  static constexpr std::uint64_t step_ms = 5, answer_ms_max = 3000;
  using on_page = std::function<void(result<pb::state_copy_page>)>;
  struct question {
    std::uint64_t from = 0, to = 0;
    pb::state_copy_request request;
    on_page done;
    std::uint64_t until_ms = 0;
    std::optional<answer<wire<pb::state_copy_page>>> asked;
  };

  // One after the other, as bytes; what a cut direction swallows ends with a timeout.
  void carry_pages() {
    now_ms_ += step_ms;
    for (auto all = std::exchange(questions_, {}); auto& q : all) {
      if (!q.asked && up(q.to) && !network.is_cut(q.from, q.to)) {
        pb::state_copy_request parsed;
        REQUIRE(parsed.ParseFromString(q.request.SerializeAsString()));
        q.asked = actors.ask<wire<pb::state_copy_page>>(at(q.to).actor, copy_atom::value, wire{std::move(parsed)});
      } else if (q.asked && q.asked->ready() && !network.is_cut(q.to, q.from)) {
        ++pages;
        if (!q.asked->ok()) {
          q.done(q.asked->outcome().error());
          continue;
        }
        pb::state_copy_page parsed;
        REQUIRE(parsed.ParseFromString((*q.asked->value()).SerializeAsString()));
        q.done(std::move(parsed));
        continue;
      }
      if (now_ms_ < q.until_ms)
        questions_.push_back(std::move(q));
      else
        q.done(fail(ec::timeout, "no page"));
    }
  }

  void step() {
    carry_pages();
    actors.scheduler.advance_time(std::chrono::milliseconds{step_ms});
    actors.run();
    network.pass(step_ms, [&](std::uint64_t id) {
      auto m = members_.find(id);
      return m == members_.end() ? metadata_actor{} : m->second.actor;
    });
    actors.run();
  }
  void kill(member& m) {
    if (m.actor) caf::anon_send_exit(m.actor, caf::exit_reason::kill);
    if (m.syncer) caf::anon_send_exit(m.syncer, caf::exit_reason::kill);
    if (m.worker) caf::anon_send_exit(m.worker, caf::exit_reason::kill);
    m.actor = nullptr;
    m.syncer = nullptr;
    m.worker = nullptr;
    actors.run();
  }

  std::uint64_t now_ms_ = 0;
  std::vector<question> questions_;
  std::vector<raft_member> first_;
  std::map<std::uint64_t, member> members_;
  spdlog::level::level_enum level_before_ = spdlog::get_level();
};

} // namespace troupe
