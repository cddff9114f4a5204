#include "core/append_deadlines.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("an append is late when its time has come without an answer, and only once") {
  write_plan plan{{{3, 2, 10}, 30}, {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}};
  append_deadlines deadlines;
  append_deadlines::time start{};
  REQUIRE_FALSE(deadlines.next(plan));
  plan.begin_stripe();
  std::vector<write_plan::send> sent;
  for (std::uint32_t piece = 0; piece < 4; ++piece) {
    sent.push_back(plan.place(0, piece).at(0));
    deadlines.sent(plan, sent.back(), start + 1s * piece);
  }
  REQUIRE(deadlines.next(plan) == start);
  plan.acknowledged(sent[0]);
  plan.acknowledged(sent[2]);
  REQUIRE(deadlines.next(plan) == start + 1s);
  REQUIRE_FALSE(deadlines.take_late(plan, start + 999ms));
  REQUIRE(deadlines.take_late(plan, start + 10s) == sent[1]);
  REQUIRE(deadlines.take_late(plan, start + 10s) == sent[3]);
  REQUIRE_FALSE(deadlines.take_late(plan, start + 10s));
  REQUIRE_FALSE(deadlines.next(plan));
}
