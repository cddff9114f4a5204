// How many waiting commits share an entry: all where the disk is the bound, half of what is on its way where it is not.
#include "core/batch_pacing.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

// Syncs of that length, with such a rest between them.
struct paced {
  batch_pacing pacing;
  batch_pacing::time_point now{1s};
  void syncs(int count, std::chrono::microseconds takes, std::chrono::microseconds rests) {
    for (int i = 0; i < count; ++i) {
      pacing.sync_started(now);
      pacing.sync_ended(now += takes);
      now += rests;
    }
  }
};

} // namespace

TEST_CASE("before anything is known an entry takes all that waits") {
  batch_pacing pacing;
  CHECK(pacing.busy() == 1);
  CHECK(pacing.take(0, 0) == 0);
  CHECK(pacing.take(64, 0) == 64);
}

TEST_CASE("a disk that rests most of the time gets half of what is on its way") {
  paced p;
  p.syncs(100, 300us, 1200us);
  CHECK(p.pacing.busy() == Approx(0.2).margin(0.02));
  CHECK(p.pacing.take(64, 0) == 32);
  CHECK(p.pacing.take(32, 32) == 32); // the other half, whole
  CHECK(p.pacing.take(40, 10) == 25);
  CHECK(p.pacing.take(9, 0) == 8); // few are not split further
  CHECK(p.pacing.take(1, 0) == 1);
  CHECK(p.pacing.take(0, 20) == 0);
}

TEST_CASE("a disk that never rests gets all that waits, and one that gets room again halves") {
  paced p;
  p.syncs(100, 10'000us, 100us);
  CHECK(p.pacing.busy() > 0.9);
  CHECK(p.pacing.take(64, 0) == 64);
  p.syncs(100, 300us, 1200us);
  CHECK(p.pacing.take(64, 0) == 32);
}

TEST_CASE("between the two bounds it stays as it was") {
  paced slow, quick;
  slow.syncs(100, 10'000us, 100us);
  quick.syncs(100, 300us, 1200us);
  for (auto* p : {&slow, &quick}) p->syncs(100, 700us, 300us);
  CHECK(slow.pacing.take(64, 0) == 64);
  CHECK(quick.pacing.take(64, 0) == 32);
}

TEST_CASE("a clock that goes back counts as no time") {
  paced p;
  p.syncs(10, 300us, 1200us);
  p.pacing.sync_started(p.now - 10s);
  p.pacing.sync_ended(p.now - 20s);
  CHECK(p.pacing.busy() >= 0);
  CHECK(p.pacing.busy() <= 1);
}
