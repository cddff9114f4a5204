#include "core/log_verification.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr unix_ms now = 1'800'000'000'000;

pb::file_log_verification row(std::chrono::milliseconds begun_ago, std::chrono::milliseconds finished_ago) {
  pb::file_log_verification r;
  r.set_begun_ms(now - begun_ago.count());
  r.set_finished_ms(now - finished_ago.count());
  return r;
}

} // namespace

TEST_CASE("the log of files is verified at once when it never was, then once an interval") {
  CHECK(verification_due({}, now, 1h));
  CHECK_FALSE(verification_due(row(2s, 1s), now, 1h));
  CHECK_FALSE(verification_due(row(1h, 59min), now, 1h));
  CHECK(verification_due(row(2h, 1h), now, 1h));
  CHECK(verification_due(row(2s, 2s), now, 1s)); // it took no time at all
}

TEST_CASE("a verification is not begun while another one is at work, unless that takes too long") {
  CHECK_FALSE(verification_due(row(30min, 3h), now, 1h));
  CHECK(verification_due(row(61min, 3h), now, 1h));
  CHECK_FALSE(verification_due(row(9min, 1h), now, 1s)); // however short the interval
  CHECK(verification_due(row(10min, 1h), now, 1s));
  pb::file_log_verification first;
  first.set_begun_ms(now - 1000);
  CHECK_FALSE(verification_due(first, now, 1h));
}

TEST_CASE("a clock that jumped back does not end verification for ever") {
  CHECK_FALSE(verification_due(row(-30min, -30min), now, 1h));
  CHECK(verification_due(row(-2h, -2h), now, 1h));
}

TEST_CASE("processes look twenty times an interval, within bounds") {
  CHECK(verification_look(1s) == 1s);
  CHECK(verification_look(10min) == 30s);
  CHECK(verification_look(720h) == 1min);
}
