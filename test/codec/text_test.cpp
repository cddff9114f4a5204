#include "codec/text.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;

TEST_CASE("hex of any bytes decodes to them, in either case") {
  CHECK(hex_encode(std::string_view{"\x00\x9f\xff", 3}) == "009fff");
  CHECK(hex_decode("009fFF") == std::string("\x00\x9f\xff", 3));
  for (std::string_view bad : {"0", "0g", "g0", " 00", "0x"}) CHECK_FALSE(hex_decode(bad));
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(hex_decode(hex_encode(all)) == all);
}

TEST_CASE("base64 has the values of RFC 4648") {
  std::pair<std::string, std::string> known[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (auto& [plain, encoded] : known) {
    CHECK(base64_encode(plain) == encoded);
    CHECK(base64_decode(encoded) == plain);
  }
}

TEST_CASE("base64 decoding takes only the one canonical form") {
  for (std::string_view bad :
    {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm-_", "Zg==Zg==", "Z=g="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad));
  }
  std::mt19937 random{3};
  for (int round = 0; round < 500; ++round) {
    std::string s(random() % 50, '\0');
    for (auto& c : s) c = static_cast<char>(random());
    CHECK(base64_decode(base64_encode(s)) == s);
  }
}

TEST_CASE("the three forms of an HTTP date are one time") {
  constexpr unix_ms at = 784111777000;
  CHECK(format_http_date(at) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == at);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == at);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == at);
  CHECK(parse_http_date("Wed Nov 16 08:49:37 1994") == at + 10 * 86'400'000LL);
  CHECK(parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT") == 0);
  CHECK(parse_http_date("Sunday, 01-Dec-69 00:00:00 GMT") == 3153081600000);
  for (auto bad : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
         "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
         "sun, 06 nov 1994 08:49:37 gmt", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "0", "-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad));
  }
}

TEST_CASE("ISO 8601 times have milliseconds and a zone") {
  CHECK(format_iso8601(1795208160000 + 7) == "2026-11-20T20:56:00.007Z");
  CHECK(parse_iso8601("2026-11-20T20:56:00.007Z") == 1795208160007);
  CHECK(parse_iso8601("2026-11-20T20:56:00Z") == 1795208160000);
  CHECK(parse_iso8601("2026-11-20T20:56:00.1Z") == 1795208160100);
  CHECK(parse_iso8601("2026-11-20T20:56:00.123456789Z") == 1795208160123);
  CHECK(parse_iso8601("2026-11-20T22:56:00+02:00") == 1795208160000);
  CHECK(parse_iso8601("2026-11-20T15:26:00-05:30") == 1795208160000);
  CHECK(format_iso8601(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(format_iso8601(INT64_MAX) == "9999-12-31T23:59:59.999Z");
  CHECK(format_iso8601(INT64_MIN) == "0000-01-01T00:00:00.000Z");
  for (auto bad : {"", "2026-11-20", "2026-11-20T20:56:00", "2026-11-20T20:56:00.Z", "2026-11-20T20:56:00.1234567890Z",
         "2026-13-20T20:56:00Z", "2026-11-31T20:56:00Z", "2026-11-20 20:56:00Z", "2026-11-20T20:56:00Zz",
         "2026-11-20T20:56:00+24:00", "2026-11-20T20:56:00+0200", "2025-02-29T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_iso8601(bad));
  }
}

TEST_CASE("amz dates are ISO 8601's basic form to the second") {
  CHECK(format_amz_date(1369353600999) == "20130524T000000Z");
  CHECK(parse_amz_date("20130524T000000Z") == 1369353600000);
  for (auto bad : {"", "20130524T000000", "20130524T000000z", "20130524000000Z", "20131324T000000Z",
         "2013-5-24T000000Z", "20130524T000000Z ", "+0130524T000000Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_amz_date(bad));
  }
}

TEST_CASE("every time formats to text that parses back to it") {
  std::mt19937_64 random{11};
  for (int round = 0; round < 2000; ++round) {
    auto at = static_cast<unix_ms>(random() % 253'402'300'800'000ull);
    CAPTURE(at);
    CHECK(parse_iso8601(format_iso8601(at)) == at);
    CHECK(parse_amz_date(format_amz_date(at)) == at / 1000 * 1000);
    CHECK(parse_http_date(format_http_date(at)) == at / 1000 * 1000);
  }
}
