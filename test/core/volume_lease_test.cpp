#include "core/volume_lease.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace troupe;
using namespace std::chrono_literals;
using step = volume_lease::step;

namespace {

volume_lease_options options_of(const std::string& self) {
  return {.self = self,
    .address = self + ":50051",
    .volume = "v",
    .provider = "shared-dir",
    .duration = 1000ms,
    .margin = 100ms};
}

// The two rows, changed as the metadata group changes them.
struct group {
  lease_rows rows;
  bool take(const std::optional<pb::volume_row>& expected, const pb::volume_row& wanted) {
    auto bytes = [](const std::optional<pb::volume_row>& r) { return r ? r->SerializeAsString() : "none"; };
    if (bytes(expected) != bytes(rows.row)) return false;
    rows.row = wanted;
    ++rows.renewals;
    return true;
  }
  bool renew(const pb::volume_row& mine) {
    if (!rows.row || rows.row->SerializeAsString() != mine.SerializeAsString()) return false;
    ++rows.renewals;
    return true;
  }
};

void take(group& g, volume_lease& lease, monotonic_time now) {
  REQUIRE(lease.seen(g.rows, now) == step::take);
  REQUIRE(g.take(g.rows.row, lease.wanted()));
  lease.taken(true, now);
}

} // namespace

TEST_CASE("a volume that nobody ever had is taken at once, with token 1") {
  group g;
  volume_lease a{options_of("a")};
  take(g, a, 0ms);
  REQUIRE(a.held());
  REQUIRE(a.row().token() == 1);
  REQUIRE(a.until() == 900ms); // the duration less the margin, from when it was asked for
}

TEST_CASE("a renewal counts from when it was sent, and one that failed does not count") {
  group g;
  volume_lease a{options_of("a")};
  take(g, a, 0ms);
  REQUIRE(a.seen(g.rows, 300ms) == step::renew);
  a.renewed(true, 300ms);
  REQUIRE(a.until() == 1200ms);
  a.renewed(false, 600ms);
  REQUIRE(a.until() == 1200ms);
  a.renewed(true, 100ms); // an answer that came late
  REQUIRE(a.until() == 1200ms);
}

TEST_CASE("a backup waits for the duration and its margin after the last change that it saw") {
  group g;
  volume_lease a{options_of("a")}, b{options_of("b")};
  take(g, a, 0ms);
  REQUIRE(b.seen(g.rows, 500ms) == step::wait); // the first look: it may have been renewed just now
  REQUIRE(b.seen(g.rows, 1599ms) == step::wait);
  REQUIRE(g.renew(a.row()));
  REQUIRE(b.seen(g.rows, 1600ms) == step::wait);
  REQUIRE(b.seen(g.rows, 2699ms) == step::wait);
  REQUIRE(b.seen(g.rows, 2700ms) == step::take);
  REQUIRE(b.wanted().token() == 2);
}

TEST_CASE("a backup that lost the race for a lease waits for the new holder's end") {
  group g;
  volume_lease a{options_of("a")}, b{options_of("b")}, c{options_of("c")};
  take(g, a, 0ms);
  REQUIRE(b.seen(g.rows, 0ms) == step::wait);
  REQUIRE(c.seen(g.rows, 0ms) == step::wait);
  REQUIRE(b.seen(g.rows, 1100ms) == step::take);
  REQUIRE(c.seen(g.rows, 1100ms) == step::take);
  auto before = g.rows.row;
  REQUIRE(g.take(before, c.wanted()));
  REQUIRE_FALSE(g.take(before, b.wanted()));
  b.taken(false, 1100ms);
  REQUIRE_FALSE(b.held());
  REQUIRE(b.seen(g.rows, 1200ms) == step::wait);
  REQUIRE(b.seen(g.rows, 2299ms) == step::wait);
  REQUIRE(b.seen(g.rows, 2300ms) == step::take);
}

TEST_CASE("a holder that finds another one in the row has lost the lease") {
  group g;
  volume_lease a{options_of("a")}, b{options_of("b")};
  take(g, a, 0ms);
  REQUIRE(b.seen(g.rows, 0ms) == step::wait);
  take(g, b, 1100ms);
  REQUIRE(a.seen(g.rows, 1200ms) == step::lost);
  REQUIRE_FALSE(a.held());
  REQUIRE(a.until() == 0ms);
  REQUIRE(a.seen(g.rows, 1300ms) == step::wait);
}

TEST_CASE("a node that comes back takes its own lease at once, with a new token") {
  group g;
  volume_lease before{options_of("a")};
  take(g, before, 0ms);
  volume_lease after{options_of("a")};
  take(g, after, 10ms);
  REQUIRE(after.row().token() == 2);
  REQUIRE(before.seen(g.rows, 20ms) == step::lost); // the same name does not make it the same holder
}

TEST_CASE("a lease that was given back is taken at once, and its token is not used again") {
  group g;
  volume_lease a{options_of("a")}, b{options_of("b")};
  take(g, a, 0ms);
  a.gave_up();
  g.rows.row->clear_holder();
  take(g, b, 1ms);
  REQUIRE(b.row().token() == 2);
}

TEST_CASE("a lease for ever is never taken over by another node") {
  auto forever = options_of("a");
  forever.duration = 0ms;
  group g;
  volume_lease a{forever}, b{options_of("b")};
  take(g, a, 0ms);
  REQUIRE(a.until() == monotonic_time::max());
  REQUIRE(a.seen(g.rows, 1h) == step::wait); // nothing to renew
  REQUIRE(b.seen(g.rows, 0ms) == step::wait);
  REQUIRE(b.seen(g.rows, 24h) == step::wait);
}

// Nodes that are paused, whose commits are lost, slow or applied without their knowing; clocks that differ by any offset
// and run apart by less than the margin.
TEST_CASE("no two nodes may write at one time, whatever is lost, late or paused") {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random{seed};
    const auto upto = [&](
                        std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); };
    group g;
    struct node {
      volume_lease lease;
      monotonic_time offset;
      double rate;
      monotonic_time asleep_until{0};
      std::uint64_t tokens = 0;
    };
    std::vector<node> nodes;
    for (const char* name : {"a", "b", "c"})
      nodes.push_back({volume_lease{options_of(name)}, std::chrono::seconds{upto(1000)},
        1.0 + static_cast<double>(upto(80) - 40) / 1000});
    const auto clock_of = [](const node& n, monotonic_time t) {
      return n.offset + monotonic_time{static_cast<std::int64_t>(static_cast<double>(t.count()) * n.rate)};
    };
    std::map<std::uint64_t, std::size_t> holder_of;
    std::size_t changes = 0;
    for (monotonic_time t{0}; t < 60s; t += 10ms) {
      std::size_t writers = 0;
      for (auto& n : nodes) writers += n.lease.held() && clock_of(n, t) < n.lease.until() ? 1 : 0;
      INFO("seed " << seed << " at " << t.count() / 1'000'000 << " ms");
      REQUIRE(writers <= 1);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        auto& n = nodes[i];
        if (t < n.asleep_until || upto(10) != 0) continue;
        if (upto(40) == 0) n.asleep_until = t + std::chrono::milliseconds{upto(4000)};
        auto expected = g.rows.row;
        auto what = n.lease.seen(g.rows, clock_of(n, t));
        const auto sent = clock_of(n, t);
        const bool arrives = upto(8) != 0, known = upto(8) != 0;
        if (what == step::take) {
          bool ok = arrives && g.take(expected, n.lease.wanted());
          if (ok) {
            REQUIRE(holder_of.emplace(n.lease.wanted().token(), i).second); // a token has one holder
            ++changes;
          }
          n.lease.taken(ok && known, sent);
        } else if (what == step::renew) {
          bool ok = arrives && g.renew(n.lease.row());
          n.lease.renewed(ok && known, sent);
        }
      }
    }
    REQUIRE(changes > 1); // the run was one with takeovers
  }
}
