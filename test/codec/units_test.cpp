#include "codec/units.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("sizes are read as people write them") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("512") == 512u);
  CHECK(parse_size("512B") == 512u);
  CHECK(parse_size("4k") == 4096u);
  CHECK(parse_size("4KiB") == 4096u);
  CHECK(parse_size("4kB") == 4000u);
  CHECK(parse_size("16MiB") == 16u << 20);
  CHECK(parse_size("1.5G") == 1610612736u);
  CHECK(parse_size("2T") == std::uint64_t{2} << 40);
}

TEST_CASE("what is not a size is not read as one") {
  for (const auto* text : {"", "x", "-1", "4Q", "4KiBs", " 4", "4 K", "nan", "inf", "1e3", "99999999T", "0x10"}) {
    INFO("'" << text << "'");
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("durations are read with or without a unit") {
  CHECK(parse_duration("10") == 10'000ms);
  CHECK(parse_duration("10s") == 10'000ms);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("1.5m") == 90'000ms);
  CHECK(parse_duration("2h") == 7'200'000ms);
  for (const auto* text : {"", "s", "-1s", "10d", "10 s", "1000h"}) {
    INFO("'" << text << "'");
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("sizes are shown with one decimal and never as 1024 of a unit") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.0 KiB");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes((1u << 20) - 1) == "1.0 MiB");
  CHECK(human_bytes(std::uint64_t{5} << 40) == "5.0 TiB");
  CHECK(human_bytes(~std::uint64_t{0}) == "16.0 EiB");
}

TEST_CASE("times are shown in the unit that fits") {
  CHECK(human_microseconds(850) == "850 us");
  CHECK(human_microseconds(1200) == "1.20 ms");
  CHECK(human_microseconds(2'500'000) == "2.50 s");
  CHECK(human_countdown(7s) == "0:07");
  CHECK(human_countdown(750s) == "12:30");
  CHECK(human_countdown(3723s) == "1:02:03");
  CHECK(human_countdown(-1s) == "0:00");
}
