#include "cli/bench_ticker.hpp"
#include "cli/progress.hpp"

#include <catch2/catch.hpp>

using namespace troupe::cli;

namespace {
constexpr std::uint64_t mebibyte = 1u << 20;
}

TEST_CASE("a progress line shows how much, how fast and how long still") {
  const auto line =
    progress_line("cat.jpg", {.done = 12 * mebibyte, .total = 24 * mebibyte, .bytes_per_second = 4.0 * mebibyte}, 100);
  CHECK(line == "cat.jpg  [====================>                   ]  50 %  12.0 MiB of 24.0 MiB  4.0 MiB/s  0:03");
}

TEST_CASE("the bar goes before the numbers do when the terminal is narrow") {
  const progress_state state{.done = 0, .total = mebibyte, .bytes_per_second = 0};
  const auto narrow = progress_line("f", state, 50);
  CHECK(narrow.find('[') == std::string::npos);
  CHECK(narrow.find("0 B of 1.0 MiB") != std::string::npos);
  for (std::size_t columns = 1; columns != 120; ++columns)
    CHECK(progress_line("a long name", state, columns).size() <= columns);
}

TEST_CASE("100 percent means all of it") {
  CHECK(progress_line("f", {.done = 999'999, .total = 1'000'000, .bytes_per_second = 1}, 80).find(" 99 %") !=
    std::string::npos);
  CHECK(progress_line("f", {.done = 10, .total = 10, .bytes_per_second = 1}, 80).find("100 %") != std::string::npos);
  CHECK(progress_line("f", {.done = 0, .total = 0, .bytes_per_second = 0}, 80).find("100 %") != std::string::npos);
}

TEST_CASE("no time is promised while nothing moves") {
  CHECK(progress_line("f", {.done = 1, .total = 100, .bytes_per_second = 0}, 80).ends_with("-:--"));
}

TEST_CASE("a stream of unknown length has no percentage") {
  CHECK(progress_line("-", {.done = 3 * mebibyte, .total = std::nullopt, .bytes_per_second = 1024}, 80) ==
    "-  3.0 MiB  1.0 KiB/s");
}

TEST_CASE("a rate follows a change within a few seconds and survives bytes taken back") {
  rate_meter meter;
  for (int i = 1; i <= 10; ++i) meter.update(i, static_cast<std::uint64_t>(i) * 1000);
  CHECK(meter.bytes_per_second() == Approx(1000));
  for (int i = 1; i <= 12; ++i) meter.update(10 + i, 10'000 + static_cast<std::uint64_t>(i) * 5000);
  CHECK(meter.bytes_per_second() == Approx(5000).epsilon(0.03));
  meter.update(23, 100); // a part is sent again
  CHECK(meter.bytes_per_second() > 0);
  CHECK(meter.bytes_per_second() < 5000);
}

TEST_CASE("the benchmark's line shows errors only when there are some") {
  CHECK(ticker_line("put", 3, 812, mebibyte, 0) == "put  3 s  812 ops/s  1.0 MiB/s");
  CHECK(ticker_line("put", 3, 812, mebibyte, 2) == "put  3 s  812 ops/s  1.0 MiB/s  2 errors");
}
