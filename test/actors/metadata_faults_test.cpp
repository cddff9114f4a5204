// A group of METADATA members under everything at once: messages lost, doubled, late and out of order, directions cut,
// members that lose their power and come back, disks that are lost. Whatever happens: every commit that was acknowledged is in the final
// state of all members, their states are equal, no term has two leaders (metadata_network looks), and a read that is
// answered knows every commit that was acknowledged before it was asked.
#include "support/metadata_group.hpp"

namespace troupe {
namespace {

class clients {
public:
  explicit clients(metadata_group& g) : group_(g) {}

  // A commit and a read, each to some member that is up.
  void ask(std::uint64_t id) {
    auto key = "o" + std::to_string(++sequence_);
    commits_.push_back({key, group_.commit(id, key, "v" + key)});
  }
  void look(std::uint64_t id) {
    if (acknowledged_.empty()) return;
    auto at = group_.random() % acknowledged_.size();
    auto recent = group_.random() % 2 == 0 ? acknowledged_.size() - 1 : at;
    reads_.push_back({acknowledged_[recent], group_.read(id, acknowledged_[recent])});
  }
  void collect() {
    std::erase_if(commits_, [&](auto& c) {
      if (!c.second.ready()) return false;
      if (c.second.ok()) acknowledged_.push_back(c.first);
      return true;
    });
    std::erase_if(reads_, [&](auto& r) {
      if (!r.second.ready()) return false;
      if (!r.second.ok()) return true;
      INFO("a read of " << r.first << " that was acknowledged before it was asked");
      REQUIRE(r.second.value()->rows_size() == 1);
      REQUIRE(r.second.value()->rows(0).value() == "v" + r.first);
      return true;
    });
  }
  const std::vector<std::string>& acknowledged() const { return acknowledged_; }

private:
  metadata_group& group_;
  std::size_t sequence_ = 0;
  std::vector<std::pair<std::string, answer<wire<pb::batch_result>>>> commits_;
  std::vector<std::pair<std::string, answer<wire<pb::read_reply>>>> reads_;
  std::vector<std::string> acknowledged_;
};

// One disk at a time: the next is lost when the one before has caught up.
void lose_a_disk(metadata_group& g, std::uint64_t id) {
  for (auto other : g.ids())
    if (g.at(other).options.recovering && (!g.up(other) || g.status(other).recovering())) return;
  for (auto other : g.ids()) g.at(other).options.recovering = false;
  g.wipe(id);
}

void some_fault(metadata_group& g) {
  auto ids = g.ids();
  auto any = [&] { return ids[g.random() % ids.size()]; };
  switch (g.random() % 9) {
  case 8: lose_a_disk(g, any()); break;
  case 0: g.network.lost_per_mille = static_cast<unsigned>(g.random() % 300); break;
  case 1: g.network.doubled_per_mille = static_cast<unsigned>(g.random() % 300); break;
  case 2: g.network.delay_ms_max = 1 + g.random() % 300; break;
  case 3: g.network.cut(any(), any()); break;
  case 4: g.isolate(any()); break;
  case 5: g.network.heal(); break;
  case 6:
    if (auto id = any(); g.up(id)) g.crash(id);
    break;
  default:
    if (auto id = any(); g.up(id)) g.at(id).files->power_off_after(g.random() % 30);
  }
}

void live(std::uint64_t seed, std::uint64_t size, int rounds) {
  CAPTURE(seed, size);
  metadata_group g{seed, size};
  g.tweak = [](metadata_options& o) {
    o.checkpoint.commands = 15; // copies of the state all the time
    o.trailing_entries = 4;
  };
  g.start_all();
  clients c{g};
  for (int round = 0; round < rounds; ++round) {
    if (g.random() % 3 == 0) some_fault(g);
    for (auto id : g.ids()) {
      if (g.up(id) && g.at(id).files->powered_off()) g.crash(id);
      if (!g.up(id) && g.random() % 4 == 0) REQUIRE(g.start(id));
    }
    for (auto n = g.random() % 4; n > 0; --n)
      for (auto id : g.ids())
        if (g.up(id)) {
          c.ask(id);
          c.look(id);
        }
    g.run_for(50 + g.random() % 400);
    c.collect();
  }
  g.network.heal();
  g.network.lost_per_mille = g.network.doubled_per_mille = 0;
  g.network.delay_ms_max = 2;
  for (auto id : g.ids()) { // a power failure may still be due
    if (g.up(id)) g.crash(id);
    REQUIRE(g.start(id));
  }
  g.run_for(8000);
  c.collect();
  auto works = g.run_until([&] { return g.leader() != 0; });
  INFO(g.describe());
  REQUIRE(works);
  REQUIRE(g.committed(g.leader(), "last", "x"));
  auto rows = g.agreed_rows();
  for (const auto& key : c.acknowledged()) {
    CAPTURE(key);
    REQUIRE(rows.contains(key));
  }
}

} // namespace

TEST_CASE("three members under random faults lose nothing that was acknowledged and agree", "[raft]") {
  live(GENERATE(range(std::uint64_t{1}, std::uint64_t{31})), 3, 60);
}

TEST_CASE("five members under random faults lose nothing that was acknowledged and agree", "[raft]") {
  live(GENERATE(range(std::uint64_t{101}, std::uint64_t{111})), 5, 60);
}

TEST_CASE("hundreds of seeds", "[.soak]") { // by hand: test_actors "[.soak]"
  auto seed = GENERATE(range(std::uint64_t{1000}, std::uint64_t{1600}));
  live(seed, seed % 3 == 0 ? 5 : 3, 120);
}

} // namespace troupe
