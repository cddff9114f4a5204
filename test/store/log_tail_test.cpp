#include "store/log_tail.hpp"

#include "store/sim_disk.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;

namespace {

struct world {
  sim_disk files{1};
  std::unique_ptr<troupe::log> owner = open();
  std::vector<log_position> at;

  std::unique_ptr<troupe::log> open() {
    log_options o;
    o.directory = "l";
    auto made = troupe::log::open(files, o, {}, [](const auto&) -> result<> { return {}; });
    REQUIRE(made);
    return std::move(*made);
  }
  // One record in a segment of its own.
  void segment(const std::string& text) {
    bytes_view payload = as_bytes(text);
    auto written = owner->append({.type = 1, .id = {}, .n1 = 0, .n2 = 0}, {&payload, 1});
    REQUIRE(written);
    at.push_back(*written);
    REQUIRE(owner->rotate());
  }
};

// What a poll found, joined; or its error.
std::string poll(log_tail& tail, const std::function<void()>& during = {}) {
  std::string found;
  auto done = tail.poll([&](const log_entry_view& e) -> result<> {
    found += as_text(e.payload);
    if (during) during();
    return {};
  });
  return done ? found : std::string{to_string(done.error().code)};
}

} // namespace

TEST_CASE("a tail reads what is there and then what comes, across segments") {
  world w;
  w.segment("a");
  log_tail tail{w.files, "l"};
  REQUIRE(poll(tail) == "a");
  REQUIRE(poll(tail) == "");
  w.segment("b");
  w.segment("c");
  REQUIRE(poll(tail) == "bc");
}

TEST_CASE("a tail that begins after segments were removed reads the others, also when the last closed one is gone") {
  world w;
  for (const char* text : {"a", "b", "c", "d"}) w.segment(text);
  REQUIRE(w.owner->remove_segment(2));
  REQUIRE(w.owner->remove_segment(4));
  log_tail tail{w.files, "l"};
  REQUIRE(poll(tail) == "ac");
  w.segment("e");
  REQUIRE(poll(tail) == "e");
}

TEST_CASE("segments that are removed after they were read do not matter to a tail") {
  world w;
  w.segment("a");
  w.segment("b");
  log_tail tail{w.files, "l"};
  REQUIRE(poll(tail) == "ab");
  const auto both = tail.bytes();
  REQUIRE(w.owner->remove_segment(1));
  w.segment("c");
  REQUIRE(poll(tail) == "c");
  REQUIRE(tail.bytes() == both); // one less, one more
  REQUIRE(tail.read(w.at[0]).error().code == ec::not_found);
  REQUIRE(tail.read(w.at[1]));
}

TEST_CASE("a tail says when a segment was removed before it had read it") {
  world w;
  w.segment("a");
  log_tail behind{w.files, "l"}, far_behind{w.files, "l"};
  REQUIRE(poll(behind) == "a");
  REQUIRE(poll(far_behind) == "a");
  w.segment("b");
  w.segment("c");
  REQUIRE(w.owner->remove_segment(2));
  REQUIRE(poll(behind) == "not_found"); // a later one is closed
  REQUIRE(w.owner->remove_segment(3));
  REQUIRE(poll(far_behind) == "not_found"); // only the active one is later
  log_tail anew{w.files, "l"};
  REQUIRE(poll(anew) == "a");
}

TEST_CASE("what was there when a tail began is read, though it is removed meanwhile") {
  world w;
  for (const char* text : {"a", "b", "c"}) w.segment(text);
  log_tail tail{w.files, "l"};
  bool first = true;
  REQUIRE(poll(tail, [&] {
    if (!std::exchange(first, false)) return;
    for (std::uint64_t n = 1; n <= 3; ++n) REQUIRE(w.owner->remove_segment(n));
  }) == "abc");
  w.segment("d");
  REQUIRE(poll(tail) == "d");
}

TEST_CASE("a tail of no log finds nothing, and the first segment when it comes") {
  sim_disk files{1};
  REQUIRE(files.make_directory("l/wal.segments"));
  log_tail tail{files, "l"};
  REQUIRE(poll(tail) == "");
  files.overwrite("l/wal.active", 0, {}); // made, and not written yet
  REQUIRE(poll(tail) == "");
}
