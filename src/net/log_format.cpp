#include "net/log_format.hpp"

#include <fmt/chrono.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

#include <array>
#include <utility>

namespace troupe {

namespace {

using level = spdlog::level::level_enum;

constexpr std::array levels{std::pair{level::debug, "debug"}, std::pair{level::info, "info"},
  std::pair{level::warn, "warn"}, std::pair{level::err, "error"}, std::pair{level::off, "off"}};

// How many bytes the UTF-8 sequence at the start of `text` takes; 0 when it is none.
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  const std::size_t n = lead < 0x80 ? 1
    : lead >= 0xC2 && lead < 0xE0   ? 2
    : (lead & 0xF0) == 0xE0         ? 3
    : lead >= 0xF0 && lead < 0xF5   ? 4
                                    : 0;
  if (n == 0 || text.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return n;
}

void append_escaped(spdlog::memory_buf_t& out, std::string_view text) {
  const auto put = [&](std::string_view s) { out.append(s.data(), s.data() + s.size()); };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\\') {
      put(c == '"' ? "\\\"" : "\\\\");
      ++at;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
      ++at;
    } else if (const auto n = sequence(text.substr(at)); n != 0) {
      put(text.substr(at, n));
      at += n;
    } else {
      put("?");
      ++at;
    }
  }
}

class json_formatter final : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& m, spdlog::memory_buf_t& out) override {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(m.time.time_since_epoch()).count();
    const auto to = std::back_inserter(out);
    fmt::format_to(to, R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","message":")",
      fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000, log_level_name(m.level));
    append_escaped(out, std::string_view{m.payload.data(), m.payload.size()});
    fmt::format_to(to, "\"}}\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

} // namespace

std::unique_ptr<spdlog::formatter> json_log_formatter() { return std::make_unique<json_formatter>(); }

std::optional<level> parse_log_level(std::string_view name) {
  for (const auto& [value, known] : levels)
    if (name == known) return value;
  return std::nullopt;
}

std::string_view log_level_name(level wanted) {
  for (const auto& [value, name] : levels)
    if (value == wanted) return name;
  return wanted < level::debug ? "debug" : "error"; // trace; critical
}

} // namespace troupe
