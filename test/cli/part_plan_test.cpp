#include "cli/part_plan.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;

TEST_CASE("every plan covers the object exactly, within S3's limits") {
  for (const std::uint64_t total : {std::uint64_t{0}, std::uint64_t{1}, 8 * mib, 8 * mib + 1, 17 * mib, 80'000 * mib,
         80'000 * mib + 1, 1024 * 1024 * mib, 5 * 1024 * 1024 * mib}) {
    const auto plan = plan_parts(total);
    INFO(total << " bytes");
    REQUIRE(plan);
    CHECK(plan->parts >= 1);
    CHECK(plan->parts <= parts_max);
    CHECK(plan->part_bytes >= part_bytes_default);
    CHECK(plan->part_bytes <= part_bytes_max);
    std::uint64_t covered = 0;
    for (unsigned i = 0; i != plan->parts; ++i) {
      REQUIRE(plan->offset(i) == covered);
      REQUIRE((plan->size(i) > 0 || total == 0));
      covered += plan->size(i);
    }
    CHECK(covered == total);
  }
}

TEST_CASE("parts grow by whole MiB once 10,000 of the wanted size do not suffice") {
  CHECK(plan_parts(80'000 * mib)->part_bytes == 8 * mib);
  CHECK(plan_parts(80'000 * mib + 1)->part_bytes == 9 * mib);
}

TEST_CASE("a wanted part size is kept within S3's limits") {
  CHECK(plan_parts(100 * mib, 1)->part_bytes == part_bytes_min);
  CHECK(plan_parts(100 * mib, 64 * mib)->part_bytes == 64 * mib);
}

TEST_CASE("an object that 10,000 parts of 5 GiB cannot hold is refused") {
  CHECK(plan_parts(parts_max * part_bytes_max));
  const auto plan = plan_parts(parts_max * part_bytes_max + 1);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == ec::too_large);
}

TEST_CASE("a stream's parts start small, never shrink, and hold over a TiB in 10,000") {
  CHECK(stream_part_bytes(0) == 8 * mib);
  CHECK(stream_part_bytes(1499) == 8 * mib);
  CHECK(stream_part_bytes(1500) == 16 * mib);
  std::uint64_t total = 0, last = 0;
  for (unsigned i = 0; i != parts_max; ++i) {
    const auto size = stream_part_bytes(i);
    REQUIRE(size >= last);
    REQUIRE(size <= 512 * mib);
    last = size;
    total += size;
  }
  CHECK(total > 1024 * 1024 * mib);
  CHECK(stream_part_bytes(9999, 1024 * mib) == 1024 * mib);
}
