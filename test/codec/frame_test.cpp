#include "codec/frame.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

std::string encoded(const frame_header& h) {
  std::string out;
  append_header(out, h);
  return out;
}

} // namespace

TEST_CASE("a frame header is read as it was written", "[frame]") {
  frame_header h{
    .kind = frame_kind::post, .method = 7, .head_bytes = 0x010203, .body_bytes = 0x20304, .id = 1ull << 60};
  auto bytes = encoded(h);
  REQUIRE(bytes.size() == frame_header::bytes);
  auto parsed = parse_header(as_bytes(bytes));
  REQUIRE(parsed);
  CHECK(*parsed == h);
}

TEST_CASE("a frame header's bytes stay what they were released as", "[frame]") {
  auto bytes = encoded({.kind = frame_kind::request, .method = 2, .head_bytes = 3, .body_bytes = 4, .id = 5});
  CHECK(bytes == std::string{"TP\x02\x02\0\0\0\x03\0\0\0\x04\0\0\0\0\0\0\0\x05", 20});
}

TEST_CASE("a header that makes no sense is refused before anything is allocated", "[frame]") {
  auto good = encoded({});
  SECTION("too short") { CHECK(parse_header(as_bytes(good.substr(1))).error().code == ec::incompatible); }
  SECTION("other magic") {
    good[0] = 'G';
    CHECK(parse_header(as_bytes(good)).error().code == ec::incompatible);
  }
  SECTION("unknown kinds") {
    for (char kind : {'\0', '\x06', '\xff'}) {
      good[2] = kind;
      CHECK(parse_header(as_bytes(good)).error().code == ec::incompatible);
    }
  }
  SECTION("a head over the bound") {
    auto much = encoded({.head_bytes = frame_header::head_bytes_max + 1});
    CHECK(parse_header(as_bytes(much)).error().code == ec::too_large);
  }
  SECTION("a body over the bound") {
    auto much = encoded({.body_bytes = 0xffffffff});
    CHECK(parse_header(as_bytes(much)).error().code == ec::too_large);
  }
}
