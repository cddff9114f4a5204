#include "cli/healing_text.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

namespace {

std::string lines_of(const char* text) {
  std::string out;
  for (const auto& line : healing_lines(boost::json::parse(text).as_object())) (out += line) += '\n';
  return out;
}

} // namespace

TEST_CASE("what is protected, what goes on and how long still") {
  CHECK(lines_of(R"({"healing": {"node": "node-1", "jobs": [
      {"name": "move", "running": true, "extents_done": 5, "extents_total": 20, "bytes_done": 1048576, "bytes_per_second": 524288, "seconds_left": 90},
      {"name": "repair", "running": false, "extents_done": 9},
      {"name": "sweep", "running": true, "extents_done": 7}],
    "comparing": ["node-2", "node-3"], "under_protected": {"extents": 3, "objects": 1, "counted": true}, "stuck": 2,
    "orphans": {"suspected": 4, "removed": 0}},
    "scrub": {"rounds": 0, "damaged": 1, "bytes_done": 1024, "bytes_total": 4096, "seconds_left": 5}})") ==
    R"(protection 3 extents of 1 object below full redundancy
           returned, and not compared with the records yet: node-2, node-3
           2 extents have pieces with nowhere to go: add nodes
healing    move 5 of 20 extents, 1.0 MiB at 512.0 KiB/s, 1:30 left
           sweep 7 extents
orphans    4 suspected, 0 removed since the healer started
scrub      1.0 KiB of 4.0 KiB, 0:05 left, found 1 DAMAGED
)");
}

TEST_CASE("a cluster at rest has two lines, one that says nothing none") {
  CHECK(lines_of(
          R"({"healing": {"jobs": [], "comparing": [], "under_protected": {"extents": 0, "objects": 0, "counted": true},
    "orphans": {"suspected": 0, "removed": 0}}, "scrub": {"rounds": 2, "damaged": 0}})") ==
    "protection everything has its full redundancy\nscrub      2 whole rounds since the nodes started\n");
  CHECK(
    lines_of(R"({"healing": {"under_protected": {"extents": 0, "counted": false}}})") == "protection being counted\n");
  CHECK(lines_of("{}").empty());
  CHECK(lines_of(R"({"healing": 7, "scrub": []})").empty());
}
