// How far a rebalance or a repair is: lines and an end that follow from the console's answers alone.

#include "cli/heal_progress.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace troupe::cli;

namespace {

boost::json::object answer(const char* text) { return boost::json::parse(text).as_object(); }

} // namespace

TEST_CASE("a rebalance shows what it saw and moved, with an estimate from the second look of a walk on") {
  heal_progress p{healing_work::rebalance};
  p.add(0, answer(R"({"rebalancing": true, "mover": {"walks": 1, "extents_seen": 100, "extents_before": 400,
    "extents_moved": 7, "bytes_moved": 1024}})"));
  CHECK(p.line() == "100 of about 400 extents seen, 0 moved (0 B)");
  p.add(10, answer(R"({"rebalancing": true, "mover": {"walks": 1, "extents_seen": 200, "extents_before": 400,
    "extents_moved": 10, "bytes_moved": 3072}})"));
  CHECK(p.line() == "200 of about 400 extents seen, 3 moved (2.0 KiB)  0:20");
  CHECK_FALSE(p.done());
  p.add(40, answer(R"({"rebalancing": true, "mover": {"walks": 2, "extents_seen": 5, "extents_before": 400}})"));
  CHECK(p.line().find(':') == std::string::npos); // the next walk: no rate of it is known yet
  p.add(50, answer(R"({"rebalancing": false, "mover": {"walks": 3, "extents_moved": 12, "stuck": 1}})"));
  CHECK(p.done());
  CHECK(p.summary() == "balanced: 5 extents moved; what could not move now: 1 extent, for want of nodes");
}

TEST_CASE("a repair is done when the comparison is, and nothing waits") {
  heal_progress p{healing_work::repair};
  p.add(0, answer(R"({"comparison": {"wanted": true, "extents": 3, "incomplete": 1, "repaired": 4},
    "repairs": {"waiting": 1, "more": false}})"));
  CHECK(p.line() == "3 extents compared, 1 lack pieces, 1 wait for repair");
  p.add(2, answer(R"({"comparison": {"wanted": false, "repaired": 4}, "repairs": {"waiting": 1}})"));
  CHECK_FALSE(p.done());
  p.add(4, answer(R"({"comparison": {"wanted": false, "repaired": 5}})")); // not known what waits
  CHECK_FALSE(p.done());
  p.add(6, answer(R"({"comparison": {"wanted": false, "repaired": 5}, "repairs": {"waiting": 0}})"));
  CHECK(p.done());
  CHECK(p.summary() == "repaired: 1 extent with all pieces again");
}
