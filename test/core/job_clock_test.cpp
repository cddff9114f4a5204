#include "core/job_clock.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("a walk's end is estimated by what the last one found") {
  job_clock job;
  job.begin(1000s);
  job.step(100, 1 << 20);
  auto first = job.message("move", 1010s);
  CHECK(first.running());
  CHECK(first.extents_done() == 100);
  CHECK(first.bytes_per_second() == (1 << 20) / 10);
  CHECK_FALSE(first.has_seconds_left()); // nobody knows how many there are
  job.end();
  CHECK_FALSE(job.message("move", 1011s).running());
  job.begin(2000s);
  CHECK_FALSE(job.message("move", 2005s).has_seconds_left());
  job.step(25);
  auto second = job.message("move", 2005s);
  CHECK(second.extents_total() == 100);
  CHECK(second.seconds_left() == 15);
  job.step(100); // more than there were
  CHECK_FALSE(job.message("move", 2010s).has_seconds_left());
}

TEST_CASE("a walk that was given up says nothing of the next one") {
  job_clock job;
  job.begin(1s, 50);
  job.step(10);
  job.give_up();
  auto m = job.message("sweep", 2s);
  CHECK_FALSE(m.running());
  CHECK(m.extents_total() == 50);
}
