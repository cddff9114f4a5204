#include "codec/uri.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;
using pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a target is split at the first question mark and decoded once") {
  uri u;
  REQUIRE(u.parse("/b/a%20b%2Fc?x=1%26&y&z=a=b&&x=2+3"));
  CHECK(u.raw_path == "/b/a%20b%2Fc");
  CHECK(u.raw_query == "x=1%26&y&z=a=b&&x=2+3");
  CHECK(u.path == "/b/a b/c");
  CHECK(u.query == pairs{{"x", "1&"}, {"y", ""}, {"z", "a=b"}, {"x", "2 3"}});
  REQUIRE(u.q("x"));
  CHECK(*u.q("x") == "1&");
  CHECK(u.q("X") == nullptr);
}

TEST_CASE("a path keeps double slashes, dots, plus signs and what is not a legal URI character") {
  for (std::string_view path : {"/b//k", "/b/../k", "/b/./", "//", "/b/a+b", "/b/{x}|^`\\\"<>", "/b/\xc3\xa9"}) {
    uri u;
    CAPTURE(path);
    REQUIRE(u.parse(path));
    CHECK(u.path == path);
  }
  uri u;
  REQUIRE(u.parse("/b/%2e%2e/%252F"));
  CHECK(u.path == "/b/../%2F");
}

TEST_CASE("an absolute-form target is read without its authority") {
  uri u;
  REQUIRE(u.parse("http://host:9000/b/k?q=http://x/"));
  CHECK(u.path == "/b/k");
  CHECK(*u.q("q") == "http://x/");
  REQUIRE(u.parse("HTTPS://host"));
  CHECK(u.path == "/");
  CHECK(u.raw_query.empty());
  REQUIRE(u.parse("http://host?a=/b"));
  CHECK(u.path == "/");
  CHECK(*u.q("a") == "/b");
  CHECK_FALSE(u.parse("http:///b"));
  CHECK_FALSE(u.parse("ftp://host/b"));
}

TEST_CASE("a target with no single meaning is refused") {
  uri u;
  using namespace std::string_view_literals;
  for (auto target : {""sv, "b/k"sv, "*"sv, "?x"sv, "/b#f"sv, "/b?x#f"sv, "/%"sv, "/%4"sv, "/%g0"sv, "/%4g"sv,
         "/b?x=%"sv, "/b?%zz"sv, "/%00"sv, "/a\0b"sv, "/b?x=%00"sv, "/%ff"sv, "/\xc3"sv, "/%c0%af"sv, "/%ed%a0%80"sv}) {
    CAPTURE(target);
    CHECK_FALSE(u.parse(target));
  }
}

TEST_CASE("percent encoding and decoding are inverse for all bytes") {
  std::mt19937 random{7};
  for (int round = 0; round < 500; ++round) {
    std::string s(random() % 40, '\0');
    for (auto& c : s) c = static_cast<char>(random());
    CAPTURE(round);
    for (bool keep : {false, true}) {
      CHECK(percent_decode(percent_encode(s, keep)) == s);
      CHECK(percent_decode(percent_encode(s, keep), true) == s);
    }
  }
  CHECK(percent_encode("/a b-._~+*\xc3\xa9", true) == "/a%20b-._~%2B%2A%C3%A9");
  CHECK(percent_encode("/", false) == "%2F");
  CHECK(percent_decode("a+b%2b") == "a+b+");
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  CHECK_FALSE(percent_decode("%1"));
}

TEST_CASE("UTF-8 is accepted exactly up to U+10FFFF without surrogates and overlong forms") {
  auto encode = [](unsigned code) { // also what must not be accepted
    std::string s;
    auto tail = [&](int shift) { s += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80)
      s += static_cast<char>(code);
    else if (code < 0x800)
      s += static_cast<char>(0xc0 | code >> 6), tail(0);
    else if (code < 0x10000)
      s += static_cast<char>(0xe0 | code >> 12), tail(6), tail(0);
    else
      s += static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0);
    return s;
  };
  auto wrong = 0;
  for (unsigned code = 0; code < 0x120000; ++code) {
    auto s = encode(code);
    auto expected = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    wrong += valid_utf8(s) != expected;
    if (code >= 0x80) wrong += valid_utf8(std::string_view{s}.substr(0, s.size() - 1)); // cut short
  }
  CHECK(wrong == 0);
  for (std::string_view bad :
    {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\x80", "a\xff", "\xc3(", "\xe2\x82("}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_utf8(bad));
  }
}
