#include "net/log_format.hpp"

#include <catch2/catch.hpp>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

using namespace troupe;

namespace {

std::string line_of(spdlog::level::level_enum level, std::string_view text) {
  spdlog::memory_buf_t out;
  const spdlog::log_clock::time_point when{std::chrono::milliseconds{1'792'569'600'250}};
  json_log_formatter()->format({when, {}, "troupe", level, spdlog::string_view_t{text.data(), text.size()}}, out);
  return {out.data(), out.size()};
}

} // namespace

TEST_CASE("a log line in JSON is one object with time, level and message") {
  CHECK(line_of(spdlog::level::warn, "disk is full") ==
    "{\"time\":\"2026-10-21T08:00:00.250Z\",\"level\":\"warn\",\"message\":\"disk is full\"}\n");
}

TEST_CASE("what would break a JSON string is escaped, and what is not UTF-8 is replaced") {
  CHECK(line_of(spdlog::level::info, "a\"b\\c\nd").ends_with("\"message\":\"a\\\"b\\\\c\\u000ad\"}\n"));
  CHECK(line_of(spdlog::level::info, "caf\xC3\xA9 \xFF\xC3").ends_with("\"message\":\"caf\xC3\xA9 ??\"}\n"));
}

TEST_CASE("levels have names that lead back to them") {
  for (const auto* name : {"debug", "info", "warn", "error", "off"}) {
    auto level = parse_log_level(name);
    REQUIRE(level);
    CHECK(log_level_name(*level) == name);
  }
  CHECK_FALSE(parse_log_level("loud"));
}
