#include "cli/admin_text.hpp"
#include "cli/console_failure.hpp"
#include "cli/drain_progress.hpp"
#include "cli/table.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

namespace {

boost::json::object json_of(const char* text) { return boost::json::parse(text).as_object(); }

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) (out += line) += '\n';
  return out;
}

} // namespace

TEST_CASE("a table is as wide as it must be, numbers to the right, and leaves out what nobody said") {
  table t{{{"NODE"}, {"PIECES", true}, {"ZONE"}, {"NOTE"}}};
  t.add({"node-1", "7", "", ""});
  t.add({"n\x1b", "12345678", "", "\u00e9t\u00e9"});
  CHECK(joined(t.lines()) ==
    "NODE      PIECES  NOTE\n"
    "node-1         7  -\n"
    "n?      12345678  \u00e9t\u00e9\n");
  CHECK(joined(table{{{"NODE"}, {"PIECES", true}}}.lines()) == "NODE  PIECES\n");
}

TEST_CASE("the status of a cluster in a few lines") {
  CHECK(joined(status_lines(json_of(R"({"cluster": "0123", "epoch": 7, "asked_by": "node-1",
    "nodes": {"total": 3, "joining": 0, "up": 2, "draining": 1, "down": 0, "gone": 1},
    "gossip": {"alive": 2, "suspect": 0, "dead": 1},
    "metadata": {"leader": "node-1", "term": 3, "voters": 3, "answering": 2, "silent": ["node-3"], "healthy": false, "losses": 0},
    "storage": {"pieces": 3, "live_bytes": 3072, "log_bytes": 4096, "damaged_records": 1,
      "nodes": [{"id": "node-1", "pieces": 3, "live_bytes": 3072, "log_bytes": 4096}],
      "silent": [{"id": "node-3", "error": "no answer in time"}], "read_only": ["node-2"]},
    "repairs": {"waiting": 1, "more": false}})"))) ==
    R"(cluster    0123, epoch 7, asked by node-1
nodes      3: 2 up, 1 draining (1 gone)
gossip     2 alive, 1 dead
metadata   leader node-1, term 3, 2 of 3 members answer (not node-3); none more may be lost
storage    3.0 KiB live in 3 pieces, 4.0 KiB of logs, 1 DAMAGED RECORDS
           NODE    PIECES     LIVE     LOGS
           node-1       3  3.0 KiB  4.0 KiB
           node-3 did not say: no answer in time
           takes no writes: node-2
repairs    1 extent waits
)");
}

TEST_CASE("an answer that says less, or something else, is printed as far as it goes") {
  CHECK(joined(status_lines(json_of("{}"))).find("NO LEADER") != std::string::npos);
  CHECK(joined(status_lines(json_of(R"({"nodes": 7, "storage": [], "repairs": {"waiting": 1000, "more": true}})")))
          .find("more than 1000 extents wait") != std::string::npos);
  CHECK(nodes_lines(json_of(R"({"nodes": [7, {"id": 1}]})")).size() == 3);
  CHECK(raft_lines(json_of(R"({"members": [{"node": "a", "error": "gone"}]})")).size() == 2);
  CHECK(where_lines(json_of("{}")).size() == 1);
}

TEST_CASE("nodes are a line each, and a node that said nothing has a note") {
  CHECK(joined(nodes_lines(json_of(R"({"epoch": 7, "nodes": [
    {"id": "node-1", "address": "a:1", "zone": "", "weight": 1, "state": "up", "since": "2026-11-20T20:56:00.000Z",
     "roles": ["storage", "metadata"], "gossip": "alive",
     "storage": {"pieces": 3, "live_bytes": 300, "log_bytes": 400, "damaged_records": 0, "writable": false, "reason": "disk full"}},
    {"id": "node-2", "address": "b:1", "zone": "", "weight": 10, "state": "down", "since": "2026-11-20T20:56:00.000Z",
     "roles": ["storage"], "gossip": "dead", "storage_error": "it can not be reached"}]})"))) ==
    R"(NODE    STATE  SINCE                GOSSIP  ROLES             WEIGHT  PIECES   LIVE   LOGS  DAMAGED  WRITABLE       ADDRESS  NOTE
node-1  up     2026-11-20 20:56:00  alive   storage,metadata       1       3  300 B  400 B        0  no: disk full  a:1      -
node-2  down   2026-11-20 20:56:00  dead    storage               10       -      -      -        -  -              b:1      it can not be reached
)");
}

TEST_CASE("where: the places of each run, and what may still be lost") {
  const auto* extent =
    R"({"bucket": "b", "key": "k", "size": 2950, "etag": "e", "inline": false, "from": 0, "extents_total": 1,
    "extents": [{"size": 2950, "geometry": {"data": 1, "parity": 1, "piece_bytes": 1024}, "stripes": 3,
      "losses": 0, "losses_wanted": 1, "worst_stripe": 2, "runs": [
        {"first_stripe": 0, "stripes": 3, "pieces": [
          {"piece": 0, "kind": "data", "node": "node-1", "state": "there"},
          {"piece": 1, "kind": "parity", "node": "node-2", "state": "missing", "stripes_missing": 1}]}]}]})";
  CHECK(joined(where_lines(json_of(extent))) ==
    R"(b/k  2.9 KiB  etag e
2.9 KiB in 3 stripes of 1 data and 1 parity pieces of up to 1.0 KiB
survives the loss of any 0 nodes, 1 wanted: the worst is stripe 2
  STRIPES  PIECE  KIND    NODE    STATE    NOTE
  0-2          0  data    node-1  there    -
  0-2          1  parity  node-2  missing  of 1 stripe
)");
  auto more =
    joined(where_lines(json_of(R"({"bucket": "b", "key": "k", "extents": [{}], "from": 64, "extents_total": 100})")));
  CHECK(more.find("--from 65 shows the next ones") != std::string::npos);
  CHECK(joined(where_lines(json_of(R"({"bucket": "b", "key": "k", "size": 3, "etag": "e", "inline": true})")))
          .find("in the metadata group") != std::string::npos);
}

TEST_CASE("what a node still holds gets a rate and an estimate once there are two samples") {
  drain_progress p;
  CHECK(p.line().empty());
  p.add({.seconds = 0, .live_bytes = 100 << 20, .pieces = 200});
  CHECK(p.line() == "100.0 MiB in 200 pieces left");
  p.add({.seconds = 10, .live_bytes = 80 << 20, .pieces = 160});
  CHECK(p.line() == "80.0 MiB in 160 pieces left  2.0 MiB/s  0:40");
}

TEST_CASE("while nothing goes, or more comes, there is no estimate") {
  drain_progress p;
  p.add({.seconds = 0, .live_bytes = 1000, .pieces = 1});
  p.add({.seconds = 5, .live_bytes = 1000, .pieces = 1});
  CHECK_FALSE(p.bytes_per_second());
  p.add({.seconds = 6, .live_bytes = 5000, .pieces = 2});
  CHECK_FALSE(p.bytes_per_second());
  p.add({.seconds = 8, .live_bytes = 3000, .pieces = 2});
  CHECK(*p.bytes_per_second() == Approx(1000));
}

TEST_CASE("a console's refusal keeps its code and text, and control characters do not reach the terminal") {
  auto e = console_failure_of(409, R"({"error": {"code": "conflict", "message": "n\u001b[2J", "request_id": "7"}})");
  CHECK(e.code == ec::conflict);
  CHECK(e.message == "n [2J (request id 7)");
  CHECK(console_failure_of(404, R"({"error": {"code": "new_code", "message": "m"}})").code == ec::not_found);
  for (const auto* body : {"", "<html>", "[]", "{}", R"({"error": 7})"})
    CHECK(console_failure_of(503, body).message == "HTTP 503 Service Unavailable");
  CHECK(console_hint_for(fail(ec::unavailable, "")).find("--connect") != std::string::npos);
}

TEST_CASE("actors are a line each, silent processes too, and queues only where something waits") {
  auto text = joined(actors_lines(json_of(R"({"processes": [
    {"node": "node-1", "actors": [{"name": "shard", "instances": 1, "queued": 7, "longest_queue": 7, "received": 900}],
     "queues": [{"node": "node-2", "plane": "bulk", "connected": true, "queued_bytes": 2048, "unanswered": 3},
                {"node": "node-3", "plane": "control", "connected": true, "queued_bytes": 0, "unanswered": 0}]},
    {"node": "node-2", "error": "no answer\n"}]})")));
  CHECK(text ==
    "NODE    ACTOR  INSTANCES  MAILBOX  LONGEST  RECEIVED  NOTE\n"
    "node-1  shard          1        7        7       900  -\n"
    "node-2  -              -        -        -         -  no answer?\n"
    "\n"
    "FROM    TO      PLANE  CONNECTED   QUEUED  UNANSWERED\n"
    "node-1  node-2  bulk   yes        2.0 KiB           3\n");
}

TEST_CASE("the ring is shown clockwise, with what each node holds") {
  auto text =
    joined(ring_lines(json_of(R"({"bucket": "b", "key": "k", "size": 1024, "inline": false, "extents_total": 1,
    "from": 0, "extents": [{"data_id": "ab", "position": "00000000000000ff", "wanted": 1, "clockwise": [
      {"node": "node-1", "place": "chosen", "zone": "z", "weight": 1, "state": "up", "pieces": 0},
      {"node": "node-2", "place": "left", "zone": "z", "weight": 1, "state": "draining", "pieces": 4, "missing": 1}]}]})")));
  CHECK(text ==
    "b/k  1.0 KiB\n"
    "position 00000000000000ff of content ab, on 1 nodes\n"
    "  #  NODE    PLACE   ZONE  WEIGHT  STATE     PIECES  MISSING\n"
    "  1  node-1  chosen  z          1  up             0        -\n"
    "  2  node-2  left    z          1  draining       4        1\n");
}

TEST_CASE("an event is a line, a heartbeat none, and losses are told") {
  CHECK(event_line(json_of(R"({"number": 7, "at": "2026-07-01T10:11:12.345Z", "kind": "member", "node": "n",
    "text": "n is dead\u0007"})")) == "2026-07-01 10:11:12  member   n is dead?");
  CHECK(event_line(json_of(R"({"at": "2026-07-01T10:11:12.345Z", "kind": "heartbeat", "last": 7})")).empty());
  CHECK(event_line(json_of(R"({"at": "2026-07-01T10:11:12.345Z", "kind": "lost", "events": 3})")) ==
    "2026-07-01 10:11:12  3 events were lost: they came faster than they were read");
}
