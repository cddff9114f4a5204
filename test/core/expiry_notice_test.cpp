#include "core/expiry_notice.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using word = expiry_notice::word;

namespace {
constexpr unix_ms hour = 3'600'000, day = 24 * hour;
constexpr unix_ms ending = 100 * day;
} // namespace

TEST_CASE("an end that is far away is said once") {
  expiry_notice n{30 * day};
  CHECK(n.look(ending, 0) == word::valid);
  for (auto now = hour; now <= ending - 30 * day; now += hour) REQUIRE(n.look(ending, now) == word::none);
}

TEST_CASE("from thirty days before it is said once a day, and again when it has passed") {
  expiry_notice n{30 * day};
  n.look(ending, 0);
  int near = 0, past = 0;
  for (auto now = ending - 31 * day; now < ending; now += hour) near += n.look(ending, now) == word::near ? 1 : 0;
  CHECK(near == 30);
  CHECK(n.look(ending, ending - 1) == word::none);
  CHECK(n.look(ending, ending) == word::past); // at once, not a day after the last word
  for (auto now = ending + hour; now <= ending + 3 * day; now += hour)
    past += n.look(ending, now) == word::past ? 1 : 0;
  CHECK(past == 3);
}

TEST_CASE("what begins near its end is said to be so") {
  CHECK(expiry_notice{30 * day}.look(ending, ending - 30 * day) == word::valid);
  CHECK(expiry_notice{30 * day}.look(ending, ending - 30 * day + 1) == word::near);
  CHECK(expiry_notice{30 * day}.look(ending, ending + 1) == word::past);
}

TEST_CASE("what was replaced is said anew, with another end or the same") {
  expiry_notice n{30 * day};
  CHECK(n.look(ending, ending - day) == word::near);
  CHECK(n.look(ending + 365 * day, ending - day) == word::valid);
  CHECK(n.look(ending + 365 * day, ending - day) == word::none);
  CHECK(n.look(ending + 365 * day, ending - day, true) == word::valid);
}

TEST_CASE("a clock that was set back does not silence it") {
  expiry_notice n{30 * day};
  CHECK(n.look(ending, ending - day) == word::near);
  CHECK(n.look(ending, ending - 10 * day) == word::near);
  CHECK(n.look(ending, ending - 10 * day + hour) == word::none);
}
