// Whole clusters of gossiping members over a network in memory: one thread, virtual time, one seed.

#include "core/gossip.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using time = gossip::time;

class seeded final : public entropy {
public:
  explicit seeded(std::uint64_t seed) : random_(seed) {}
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(random_());
  }

private:
  std::mt19937_64 random_;
};

struct simulated_cluster {
  explicit simulated_cluster(std::uint64_t seed) : random(seed) {}

  void start(std::size_t i, std::uint64_t incarnation = 1) {
    auto name = name_of(i);
    nodes[name] = std::make_unique<gossip>(
      node_id{name}, name, incarnation, std::vector<std::string>{name_of(0)}, options, source, now);
  }
  static std::string name_of(std::size_t i) { return "n" + std::to_string(1000 + i); }
  void crash(std::size_t i) { nodes.erase(name_of(i)); }

  void take(const std::string& from, gossip::effects done) {
    for (auto& m : done.changed)
      if (m.id.name != from && m.status == member_status::dead) ++deaths[m.id.name];
    if (done.same_name) same_names.insert(from);
    probes.answered += done.probe_answered;
    probes.unanswered += done.probe_unanswered;
    probes.began += done.probe_began;
    for (auto& d : done.send) {
      ++sent;
      ++sent_by[from];
      if (lost(from, d.address)) continue;
      in_flight.push({now + time{1 + random() % 20}, ++order, from, d.address, d.message.SerializeAsString()});
    }
  }

  void run_for(time t) {
    for (auto end = now + t; now < end; now += 10ms) {
      while (!in_flight.empty() && in_flight.top().at <= now) {
        auto d = in_flight.top();
        in_flight.pop();
        auto to = nodes.find(d.to);
        if (to == nodes.end() || lost(d.from, d.to)) continue;
        pb::gossip_message m;
        REQUIRE(m.ParseFromString(d.bytes));
        take(d.to, to->second->receive(m, now));
      }
      for (auto& [name, node] : nodes)
        if (now >= node->next()) take(name, node->tick(now));
    }
  }
  // How long until it is so; fails after `limit`.
  time until(time limit, const std::function<bool()>& so) {
    auto begin = now;
    while (!so()) {
      REQUIRE(now - begin < limit);
      run_for(100ms);
    }
    return now - begin;
  }

  bool all_see(std::size_t n) const {
    return std::all_of(nodes.begin(), nodes.end(), [&](auto& x) { return x.second->alive() == n; });
  }
  bool all_think(std::size_t i, member_status status) const {
    return std::all_of(nodes.begin(), nodes.end(), [&](auto& x) {
      auto found = x.second->members().find(node_id{name_of(i)});
      return found != x.second->members().end() && found->second.status == status;
    });
  }

  struct in_transit {
    time at{0};
    std::uint64_t order = 0;
    std::string from, to, bytes;
    bool operator<(const in_transit& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  std::mt19937_64 random;
  seeded source{random()};
  gossip_options options;
  time now{1'000'000};
  std::map<std::string, std::unique_ptr<gossip>> nodes;
  std::function<bool(const std::string&, const std::string&)> lost = [](auto&, auto&) { return false; };
  std::priority_queue<in_transit> in_flight;
  std::uint64_t order = 0, sent = 0;
  std::map<std::string, std::uint64_t> sent_by;
  std::map<std::string, std::size_t> deaths; // how many thought it dead
  std::set<std::string> same_names;
  struct {
    std::uint64_t began = 0, answered = 0, unanswered = 0;
  } probes;
};

} // namespace

TEST_CASE("a hundred members that know one address find each other, at a load that does not grow") {
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  simulated_cluster c{seed};
  for (std::size_t i = 0; i < 100; ++i) c.start(i);
  auto took = c.until(30s, [&] { return c.all_see(100); });
  WARN("100 members: " << took.count() << " ms until all know all, " << c.sent << " messages");
  c.run_for(30s); // the news have been told
  auto before = c.sent;
  c.run_for(60s);
  auto each = static_cast<double>(c.sent - before) / 100 / 60;
  WARN("at rest: " << each << " messages a member and second");
  CHECK(each < 3); // a ping and an ack, and now and then a list
  CHECK(c.deaths.empty());
}

TEST_CASE("members that crash are dead for all, soon, and nobody else is") {
  simulated_cluster c{4};
  for (std::size_t i = 0; i < 40; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(40); });
  for (std::size_t i : {3, 17, 0}) c.crash(i); // the seed, too
  auto took = c.until(60s, [&] {
    return c.all_think(3, member_status::dead) && c.all_think(17, member_status::dead) &&
      c.all_think(0, member_status::dead);
  });
  WARN("40 members: " << took.count() << " ms until three that crashed are dead for all");
  CHECK(c.deaths.size() == 3);
  // Their seed is gone: the others find them by their lists.
  c.start(17, 1); // back, with no greater incarnation than before (a clock that jumped)
  c.start(3, 9);
  c.until(120s, [&] { return c.all_see(39); });
}

TEST_CASE("a tenth of all messages lost: members are suspected, and refute it") {
  simulated_cluster c{5};
  for (std::size_t i = 0; i < 30; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(30); });
  c.lost = [&](auto&, auto&) { return c.random() % 10 == 0; };
  c.run_for(600s);
  CHECK(c.deaths.empty());
  c.lost = [](auto&, auto&) { return false; };
  c.until(30s, [&] { return c.all_see(30); });
}

TEST_CASE("every probe that begins is answered or ends unanswered, and the member says which") {
  simulated_cluster c{11};
  for (std::size_t i = 0; i < 4; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(4); });
  c.run_for(60s);
  CHECK(c.probes.began > 200);
  CHECK(c.probes.began - c.probes.answered <= 4); // under way
  CHECK(c.probes.unanswered == 0);
  c.crash(3);
  c.until(60s, [&] { return c.all_think(3, member_status::dead); });
  CHECK(c.probes.unanswered > 0);
  CHECK(c.probes.began - c.probes.answered - c.probes.unanswered <= 4);
}

TEST_CASE("one direction of one link lost: others vouch") {
  simulated_cluster c{6};
  for (std::size_t i = 0; i < 6; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(6); });
  c.lost = [&](auto& from, auto& to) { return from == c.name_of(1) && to == c.name_of(2); };
  c.run_for(300s);
  CHECK(c.deaths.empty());
}

TEST_CASE("a partition splits the members, and they find together again") {
  simulated_cluster c{7};
  for (std::size_t i = 0; i < 20; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(20); });
  auto side = [&](const std::string& name) { return name < c.name_of(8); };
  c.lost = [&](auto& from, auto& to) { return side(from) != side(to); };
  c.until(120s, [&] {
    return std::all_of(
      c.nodes.begin(), c.nodes.end(), [&](auto& n) { return n.second->alive() == (side(n.first) ? 8 : 12); });
  });
  c.lost = [](auto&, auto&) { return false; };
  c.until(120s, [&] { return c.all_see(20); });
}

TEST_CASE("who leaves is gone at once, without suspicion") {
  simulated_cluster c{8};
  for (std::size_t i = 0; i < 10; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(10); });
  c.take(c.name_of(5), c.nodes.at(c.name_of(5))->leave());
  c.run_for(50ms);
  c.crash(5);
  CHECK(c.until(10s, [&] { return c.all_see(9); }) <= 4s);
}

TEST_CASE("a second node with the same name is noticed") {
  simulated_cluster c{9};
  for (std::size_t i = 0; i < 3; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(3); });
  gossip impostor{node_id{c.name_of(1)}, "elsewhere", 99, {c.name_of(1)}, c.options, c.source, c.now};
  for (int i = 0; i < 3; ++i, c.now += 1s) c.take("elsewhere", impostor.tick(c.now));
  c.run_for(1s);
  CHECK(c.same_names.count(c.name_of(1)) == 1);
}

TEST_CASE("what a stranger or a later version sends does no harm") {
  simulated_cluster c{10};
  for (std::size_t i = 0; i < 3; ++i) c.start(i);
  c.until(30s, [&] { return c.all_see(3); });
  auto& node = *c.nodes.at(c.name_of(0));
  std::mt19937_64 random{11};
  for (int i = 0; i < 3000; ++i) {
    pb::gossip_message m;
    m.set_kind(static_cast<pb::gossip_message::kinds>(random() % 9));
    m.set_sequence(random() % 50);
    m.set_target(c.name_of(random() % 4));
    for (auto n = random() % 4; n > 0; --n) {
      auto& news = *m.add_news();
      news.set_node(random() % 8 == 0 ? std::string(random() % 400, 'x') : c.name_of(3 + random() % 2000));
      news.set_address(c.name_of(random() % 5));
      news.set_incarnation(random() % 3);
      news.set_status(static_cast<pb::gossip_news::statuses>(random() % 6));
    }
    auto done = node.receive(m, c.now);
    CHECK(done.send.size() <= 4);
  }
  CHECK(node.members().size() <= c.options.members_max);
  CHECK(node.self().status == member_status::alive);
}
