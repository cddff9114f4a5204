#include "codec/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace troupe {

namespace {

// Splits "1.5MiB" into 1.5 and "MiB"; nothing when it does not begin with a plain non-negative decimal number.
std::optional<std::pair<double, std::string_view>> number_and_unit(std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (fault != std::errc{} || !std::isfinite(value) || std::signbit(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return std::pair{value, text};
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string printed(const char* format, double value, const char* unit) {
  std::array<char, 64> buffer{};
  const auto n = std::snprintf(buffer.data(), buffer.size(), format, value, unit);
  return {buffer.data(), static_cast<std::size_t>(n)};
}

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parts = number_and_unit(text);
  if (!parts) return std::nullopt;
  auto unit = lower(parts->second);
  double factor = 1;
  if (!unit.empty() && unit != "b") {
    constexpr std::string_view prefixes = "kmgt";
    const auto exponent = prefixes.find(unit.front());
    if (exponent == std::string_view::npos) return std::nullopt;
    const auto rest = unit.substr(1);
    if (!rest.empty() && rest != "ib" && rest != "i" && rest != "b") return std::nullopt;
    factor = std::pow(rest == "b" ? 1000.0 : 1024.0, static_cast<double>(exponent + 1));
  }
  const auto bytes = parts->first * factor;
  if (bytes >= 0x1p63) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto parts = number_and_unit(text);
  if (!parts) return std::nullopt;
  double factor = 1000;
  if (parts->second == "ms")
    factor = 1;
  else if (parts->second == "m")
    factor = 60'000;
  else if (parts->second == "h")
    factor = 3'600'000;
  else if (!parts->second.empty() && parts->second != "s")
    return std::nullopt;
  const auto ms = parts->first * factor;
  if (ms > 30.0 * 86'400'000) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t i = 0;
  while (value >= 1023.95 && i + 1 != units.size()) { // 1023.95 would print as "1024.0"
    value /= 1024;
    ++i;
  }
  return printed("%.1f %s", value, units[i]);
}

std::string human_microseconds(std::uint64_t us) {
  if (us < 1000) return std::to_string(us) + " us";
  if (us < 1'000'000) return printed("%.2f %s", static_cast<double>(us) / 1e3, "ms");
  return printed("%.2f %s", static_cast<double>(us) / 1e6, "s");
}

std::string human_countdown(std::chrono::seconds left) {
  const auto total = left.count() < 0 ? 0 : left.count();
  std::array<char, 64> buffer{};
  if (total >= 3600)
    std::snprintf(buffer.data(), buffer.size(), "%lld:%02d:%02d", static_cast<long long>(total / 3600),
      static_cast<int>(total / 60 % 60), static_cast<int>(total % 60));
  else
    std::snprintf(buffer.data(), buffer.size(), "%d:%02d", static_cast<int>(total / 60), static_cast<int>(total % 60));
  return buffer.data();
}

} // namespace troupe
