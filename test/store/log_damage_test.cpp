// Damage, one kind after another: what is reported, what is skipped, and that nothing wrong is ever delivered.

#include "log_model.hpp"

#include "codec/checksum.hpp"
#include "store/log.hpp"
#include "store/log_format.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr auto active = "log/wal.active";

std::string closed(std::uint64_t number) { return "log/wal.segments/segment_" + std::to_string(number) + ".wal"; }

// Two closed segments and an active one, a sync after every second record.
struct written_log {
  std::vector<log_position> positions;
  std::vector<std::uint64_t> ends;
  std::uint64_t vouched = 0; // in the active segment: durable when the last record was appended
};

log_options options_with(bool skip) {
  auto options = small_segments();
  options.segment_bytes = 700;
  options.zeros_ahead_bytes = 200;
  options.skip_damage = skip;
  return options;
}

written_log write_log(sim_disk& d) {
  written_log w;
  auto l = open_log(d, options_with(false)).value();
  for (std::uint64_t i = 0; i < 17; ++i) {
    if (i % 2 == 0) REQUIRE(l->sync());
    auto at = append(*l, i, text_of(i)).value();
    w.positions.push_back(at);
    w.ends.push_back(l->end().offset);
    w.vouched = l->durable().offset;
  }
  REQUIRE(l->sync());
  REQUIRE(l->end().segment == 3);
  REQUIRE(w.vouched > 64);
  return w;
}

std::string path_of(std::uint64_t segment) { return segment == 3 ? active : closed(segment); }

} // namespace

TEST_CASE("a flipped bit anywhere is detected or harmless") {
  sim_disk whole{1};
  auto w = write_log(whole);
  std::uint64_t refused = 0, harmless = 0, cut = 0;
  for (std::uint64_t segment = 1; segment <= 3; ++segment) {
    auto bytes = whole.content(path_of(segment)).size();
    for (std::uint64_t offset = 0; offset < bytes; ++offset) {
      CAPTURE(segment, offset);
      auto flip = [&](sim_disk& d) {
        write_log(d);
        d.flip_bit(path_of(segment), offset, static_cast<unsigned>(offset * 7 % 8));
      };
      sim_disk strict{1};
      flip(strict);
      std::vector<seen_record> seen;
      auto l = open_log(strict, options_with(false), {}, &seen);
      for (std::size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i].payload == text_of(i));
      if (!l) {
        ++refused;
        REQUIRE(l.error().code == ec::corrupt);
        REQUIRE(l.error().message.find("segment " + std::to_string(segment)) != std::string::npos);
        REQUIRE(l.error().message.find("offset ") != std::string::npos);
      } else if (seen.size() == w.positions.size()) {
        ++harmless;
        if (segment < 3) REQUIRE((offset >= 64 && whole.content(path_of(segment))[offset] == '\0')); // padding
      } else {
        ++cut; // the last batch: nobody vouches for it
        REQUIRE(segment == 3);
        REQUIRE(offset >= w.vouched);
        REQUIRE(w.positions[seen.size()].offset >= w.vouched);
      }

      sim_disk lenient{1};
      flip(lenient);
      seen.clear();
      auto skipped = open_log(lenient, options_with(true), {}, &seen);
      REQUIRE(skipped);
      auto next = seen.begin();
      std::size_t missing = 0;
      for (std::size_t i = 0; i < w.positions.size(); ++i) {
        if (next != seen.end() && next->position == w.positions[i]) {
          REQUIRE(next->payload == text_of(i));
          REQUIRE((*skipped)->read(w.positions[i]).value().second.text() == text_of(i));
          ++next;
          continue;
        }
        ++missing;
        auto hit = w.positions[i].segment == segment && w.positions[i].offset <= offset && offset < w.ends[i];
        auto behind_cut = segment == 3 && w.positions[i].segment == 3 && offset >= w.vouched && offset < w.ends[i];
        REQUIRE((hit || behind_cut));
      }
      REQUIRE(next == seen.end());
      if (!l) REQUIRE(!(*skipped)->damage().empty());
      if (missing > 0 && l) REQUIRE(seen.size() + missing == w.positions.size());
      // It goes on, and what it reported does not hide what is appended now.
      auto at = append(**skipped, 100, "after").value();
      REQUIRE((*skipped)->sync());
      REQUIRE((*skipped)->read(at));
    }
  }
  INFO(refused << " refused, " << harmless << " harmless, " << cut << " cut");
  CHECK(refused > 1000);
  CHECK(cut > 50);
  CHECK(harmless > 10);
}

TEST_CASE("a record that was damaged after it was opened is not read") {
  sim_disk d{1};
  auto w = write_log(d);
  auto l = open_log(d, options_with(false)).value();
  for (std::uint64_t offset = 0; offset < 64 + text_of(1).size(); ++offset) {
    CAPTURE(offset);
    d.flip_bit(closed(1), w.positions[1].offset + offset, 2);
    auto read = l->read(w.positions[1]);
    REQUIRE(read.error().code == ec::corrupt);
    REQUIRE(l->read(w.positions[0]));
    REQUIRE(l->read(w.positions[2]));
    d.flip_bit(closed(1), w.positions[1].offset + offset, 2);
  }
  CHECK(l->read(w.positions[1]));
}

TEST_CASE("a record elsewhere than where it was written is not one") {
  sim_disk d{1};
  auto w = write_log(d);
  auto bytes = d.content(closed(1));
  SECTION("in another segment's file") {
    d.overwrite(closed(2), 0, as_bytes(bytes));
    CHECK(open_log(d, options_with(false)).error().code == ec::corrupt);
    auto l = open_log(d, options_with(true)).value();
    CHECK(l->damage().size() == 1);
    CHECK(l->read(w.positions.back()));
  }
  SECTION("at another offset") {
    auto first = bytes.substr(w.positions[0].offset, w.ends[0] - w.positions[0].offset);
    d.overwrite(closed(1), w.positions[1].offset, as_bytes(first));
    CHECK(open_log(d, options_with(false)).error().code == ec::corrupt);
    std::vector<seen_record> seen;
    auto l = open_log(d, options_with(true), {}, &seen).value();
    CHECK(std::count_if(seen.begin(), seen.end(), [](auto& r) { return r.n1 == 0; }) == 1);
  }
}

TEST_CASE("a payload that holds another log's records is never taken for records") {
  // The bytes of a log whose records would start, aligned, within the payload of ours.
  sim_disk other{7};
  {
    auto l = open_log(other, small_segments()).value();
    for (std::uint64_t i = 0; i < 12; ++i) append(*l, 1000 + i, std::string(64, 'f')).value();
  }
  auto forged = other.content(active).substr(128);
  for (auto skip : {false, true}) {
    CAPTURE(skip);
    sim_disk d{8};
    auto options = small_segments();
    options.segment_bytes = 1 << 20;
    options.skip_damage = skip;
    auto l = open_log(d, options).value();
    auto at = append(*l, 1, forged).value();
    REQUIRE(at.offset == 64);
    SECTION("torn: " + std::to_string(skip)) {}
    SECTION("damaged in the middle: " + std::to_string(skip)) {
      REQUIRE(l->sync());
      append(*l, 2, "later").value();
      REQUIRE(l->sync());
    }
    auto vouched = l->end().offset > 64 + 64 + forged.size() + 64;
    l.reset();
    d.flip_bit(active, 70, 1);
    std::vector<seen_record> seen;
    auto opened = open_log(d, options, {}, &seen);
    CHECK(std::none_of(seen.begin(), seen.end(), [](auto& r) { return r.n1 >= 1000; }));
    CHECK(opened.has_value() == (skip || !vouched));
    if (opened && vouched) CHECK(seen.size() == 1);
  }
}

TEST_CASE("a closed segment that lost its end is damaged") {
  sim_disk d{1};
  auto w = write_log(d);
  auto file = d.open(closed(2), disk::open_mode::existing).value();
  auto last = std::find_if(w.positions.rbegin(), w.positions.rend(), [](auto p) { return p.segment == 2; });
  SECTION("its closing record") { REQUIRE(file->truncate(file->size().value() - 64)); }
  SECTION("at a record's edge") { REQUIRE(file->truncate(last->offset)); }
  SECTION("within a record") { REQUIRE(file->truncate(last->offset + 70)); }
  SECTION("all but its opening record") { REQUIRE(file->truncate(64)); }
  SECTION("everything") { REQUIRE(file->truncate(0)); }
  auto strict = open_log(d, options_with(false));
  CHECK(strict.error().code == ec::corrupt);
  CHECK(strict.error().message.find("segment 2") != std::string::npos);
  auto l = open_log(d, options_with(true)).value();
  CHECK(l->damage().size() == 1);
  CHECK(l->read(w.positions.front()));
  CHECK(l->read(w.positions.back()));
}

TEST_CASE("a page that cannot be read is an error, or skipped as damage, also at the end") {
  sim_disk d{1};
  auto options = small_segments();
  options.segment_bytes = 1 << 20;
  std::vector<log_position> at;
  {
    auto l = open_log(d, options).value();
    for (std::uint64_t i = 0; i < 40; ++i) at.push_back(append(*l, i, std::string(1000, 'p')).value());
    REQUIRE(l->sync());
  }
  auto bad = GENERATE(5000U, 20000U, 42000U);
  auto flaw = sim_fault{.on = sim_fault::operation::read, .path = "wal.active", .from = bad, .to = bad + 1};
  d.add_fault(flaw);
  CHECK(open_log(d, options).error().code == ec::io_error);
  options.skip_damage = true;
  std::vector<seen_record> seen;
  auto l = open_log(d, options, {}, &seen).value();
  REQUIRE(l->damage().size() == 1);
  auto page = bad / 4096 * 4096;
  std::size_t expected = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    auto end = i + 1 < at.size() ? at[i + 1].offset : at[i].offset + 1064;
    auto touched = at[i].offset < page + 4096 && end > page;
    expected += !touched;
    CHECK(std::any_of(seen.begin(), seen.end(), [&](auto& r) { return r.n1 == i; }) == !touched);
  }
  CHECK(seen.size() == expected);
}

TEST_CASE("what is appended behind a record that lost its end is found again") {
  sim_disk d{1};
  auto options = small_segments();
  options.segment_bytes = 1 << 20;
  options.skip_damage = true;
  REQUIRE(append(*open_log(d, options).value(), 1, std::string(10000, 'p')));
  REQUIRE(d.open(active, disk::open_mode::existing).value()->truncate(9001));
  d.add_fault({.on = sim_fault::operation::read, .path = "wal.active", .from = 8500, .to = 8501});
  auto l = open_log(d, options).value();
  CHECK(l->damage().size() == 1);
  auto at = append(*l, 2, std::string(3000, 'q')).value();
  REQUIRE(l->sync());
  l.reset();
  d.crash();
  std::vector<seen_record> seen;
  l = open_log(d, options, {}, &seen).value();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].position == at);
}

TEST_CASE("a log that ends before what was known durable says so, and uses no position twice") {
  sim_disk d{1};
  auto w = write_log(d);
  auto from = log_position{3, w.ends.back() + 800};
  CHECK(open_log(d, options_with(false), from).error().code == ec::corrupt);
  CHECK(open_log(d, options_with(false), {7, 64}).error().code == ec::corrupt);
  std::vector<seen_record> seen;
  auto l = open_log(d, options_with(true), from, &seen).value();
  CHECK(seen.empty());
  CHECK(l->damage().size() == 1);
  CHECK(l->end() == log_position{4, 64});
  CHECK(l->read(w.positions.back()));
  append(*l, 1, "goes on").value();
  l.reset();
  CHECK(open_log(d, options_with(false)));
}

TEST_CASE("what is in the way of wal.active is told apart") {
  sim_disk d{1};
  auto w = write_log(d);
  SECTION("nothing: a crash came during rotation") {
    REQUIRE(d.remove(active));
    auto l = open_log(d, options_with(false)).value();
    CHECK(l->end() == log_position{3, 64});
  }
  SECTION("an empty file: the same") {
    auto file = d.open(active, disk::open_mode::existing).value();
    REQUIRE(file->truncate(0));
    CHECK(open_log(d, options_with(false)).value()->end() == log_position{3, 64});
  }
  SECTION("a copy of a closed segment: both names of an interrupted rotation") {
    auto bytes = d.content(closed(2));
    REQUIRE(d.remove(active));
    d.overwrite(active, 0, as_bytes(bytes));
    auto l = open_log(d, options_with(false)).value();
    CHECK(l->end() == log_position{3, 64});
    CHECK(l->segments().size() == 3);
  }
  SECTION("another log's file of a closed number") {
    sim_disk other{2};
    REQUIRE(append(*open_log(other, options_with(false)).value(), 1, "x"));
    auto bytes = other.content(active);
    REQUIRE(d.remove(active));
    d.overwrite(active, 0, as_bytes(bytes));
    CHECK(open_log(d, options_with(false)).error().code == ec::corrupt);
    auto l = open_log(d, options_with(true)).value();
    CHECK(l->damage().size() == 1);
    CHECK(d.content("log/wal.active.damaged").substr(0, bytes.size()) == bytes);
  }
  CHECK(d.content(closed(1)).size() > 600);
}

TEST_CASE("a file of another format version is refused as such") {
  sim_disk d{1};
  write_log(d);
  auto block = d.content(closed(1)).substr(0, 60);
  block[2] = 2;
  std::string place(8, '\0');
  auto crc = crc32c(as_bytes(block), crc32c(as_bytes(place)));
  for (int i = 0; i < 4; ++i) block.push_back(static_cast<char>(crc >> (8 * i)));
  d.overwrite(closed(1), 0, as_bytes(block));
  CHECK(open_log(d, options_with(false)).error().code == ec::incompatible);
  CHECK(open_log(d, options_with(true)).error().code == ec::incompatible);
}

TEST_CASE("a header survives encoding, and only at its own place") {
  log_format::header h{
    .record = {.type = 200, .id = data_id::from_bytes("0123456789abcdef"), .n1 = 0x0102030405060708, .n2 = ~0ULL},
    .segment = 0xdeadbeef,
    .payload_bytes = 77,
    .durable = 0x0f78,
    .salt = 0x1122334455667788,
    .payload_crc = 0xcafebabe};
  auto block = log_format::encode(h, 4096);
  auto back = log_format::decode(block, 4096);
  REQUIRE(back);
  CHECK(*back == h);
  CHECK(back->record.id == h.record.id);
  CHECK(back->record.n1 == h.record.n1);
  CHECK(!log_format::decode(block, 4104));
  CHECK(!log_format::decode(bytes_view{block}.first(63), 4096));
  h.durable = 4097; // more than there was
  CHECK(!log_format::decode(log_format::encode(h, 4096), 4096));
  // Golden: released logs stay readable.
  const unsigned char golden[] = {0x54, 0x67, 0x01, 0xc8, 0xef, 0xbe, 0xad, 0xde, '0', '1', '2', '3', '4', '5', '6',
    '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 8, 7, 6, 5, 4, 3, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    77, 0, 0, 0, 0x78, 0x0f, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xbe, 0xba, 0xfe, 0xca, 0x89, 0xbc,
    0x6f, 0xe4};
  CHECK(
    std::equal(std::begin(golden), std::end(golden), block.begin(), [](auto a, auto b) { return std::byte{a} == b; }));
}
