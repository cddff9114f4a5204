#include "store/scrub_note.hpp"

#include "piece_volume.hpp"
#include "support/print_result.hpp"

using namespace troupe;

TEST_CASE("a scrub's note is what it was, and any damage to it is seen") {
  scrub_note n{.round = {.next = {3, 40'960}, .end = {7, 12}, .bytes_done = 5, .bytes_total = 6, .over = false},
    .began_ms = 1'800'000'000'123};
  auto text = encode(n);
  CHECK(text.starts_with("scrub 1 3 40960 7 12 5 6 0 1800000000123 "));
  auto back = parse_scrub_note(text);
  REQUIRE(back);
  CHECK(back->round.next == n.round.next);
  CHECK(back->round.end == n.round.end);
  CHECK(back->round.bytes_done == 5);
  CHECK(back->round.bytes_total == 6);
  CHECK_FALSE(back->round.over);
  CHECK(back->began_ms == n.began_ms);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) { // the newline does not count
    auto bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    INFO(bad);
    CHECK_FALSE(parse_scrub_note(bad));
  }
  for (std::size_t i = 0; i + 1 < text.size(); ++i) CHECK_FALSE(parse_scrub_note(text.substr(0, i)));
  CHECK_FALSE(parse_scrub_note(std::string(10'000, ' ')));
}

TEST_CASE("a round of another log begins anew") {
  volume v{35};
  auto s = v.open();
  for (std::uint64_t i = 0; i < 50; ++i) REQUIRE(s->append({id_of(i), 0, 0}, as_bytes(content_of(i, 300))));
  auto round = s->begin_scrub();
  REQUIRE(s->scrub(round, 4000));
  CHECK(s->resume_scrub(round).next == round.next);
  round.end.segment += 1;
  CHECK(s->resume_scrub(round).next == log_position{});
  CHECK(s->resume_scrub(round).end == s->begin_scrub().end);
}
