#include "codec/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace troupe {
namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 255: not in the alphabet.
constexpr std::array<std::uint8_t, 256> inverse(std::string_view alphabet) {
  std::array<std::uint8_t, 256> table{};
  table.fill(255);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}

constexpr std::array<std::uint8_t, 256> hex_values() {
  auto table = inverse("0123456789abcdef");
  for (unsigned c = 0; c < 6; ++c) table['A' + c] = static_cast<std::uint8_t>(10 + c);
  return table;
}

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{
  "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Consumes text from the front; any miss makes it false for good.
class cursor {
public:
  explicit cursor(std::string_view s) : rest_(s) {}

  cursor& literal(std::string_view s) {
    if (rest_.starts_with(s))
      rest_.remove_prefix(s.size());
    else
      ok_ = false;
    return *this;
  }
  cursor& digits(std::size_t width, int& value) {
    value = 0;
    if (rest_.size() < width) ok_ = false;
    for (std::size_t i = 0; ok_ && i < width; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9')
        ok_ = false;
      else
        value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(width);
    return *this;
  }
  // The index of the name that comes next.
  template <std::size_t N>
  cursor& name(const std::array<std::string_view, N>& names, int& index) {
    for (std::size_t i = 0; i < N; ++i)
      if (rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        index = static_cast<int>(i);
        return *this;
      }
    ok_ = false;
    return *this;
  }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool done() const { return ok_ && rest_.empty(); }
  bool good() const { return ok_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

struct civil {
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0, weekday = 0;
};

constexpr std::int64_t day_ms = 86'400'000;
constexpr unix_ms year_zero_ms = -62'167'219'200'000; // 0000-01-01
constexpr unix_ms year_9999_ms = 253'402'300'799'999; // the last of 9999-12-31

civil to_civil(unix_ms at) {
  using namespace std::chrono;
  at = std::clamp(at, year_zero_ms, year_9999_ms);
  auto day = at / day_ms - (at % day_ms < 0 ? 1 : 0);
  auto rest = static_cast<int>(at - day * day_ms);
  sys_days date{std::chrono::days{day}};
  year_month_day ymd{date};
  return {.year = int{ymd.year()},
    .month = static_cast<int>(unsigned{ymd.month()}),
    .day = static_cast<int>(unsigned{ymd.day()}),
    .hour = rest / 3'600'000,
    .minute = rest / 60'000 % 60,
    .second = rest / 1000 % 60,
    .millisecond = rest % 1000,
    .weekday = static_cast<int>(weekday{date}.c_encoding())};
}

std::optional<unix_ms> from_civil(const civil& c) {
  using namespace std::chrono;
  year_month_day ymd{year{c.year}, month{static_cast<unsigned>(c.month)}, day{static_cast<unsigned>(c.day)}};
  if (!ymd.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt; // 60: a leap second
  auto days_since = sys_days{ymd}.time_since_epoch().count();
  return days_since * day_ms + c.hour * 3'600'000LL + c.minute * 60'000LL + c.second * 1000LL + c.millisecond;
}

void put(std::string& out, int value, int width) {
  char buffer[4];
  for (int i = width; i-- > 0; value /= 10) buffer[i] = static_cast<char>('0' + value % 10);
  out.append(buffer, static_cast<std::size_t>(width));
}

} // namespace

std::string hex_encode(bytes_view in) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(in.size() * 2);
  for (auto b : in) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view in) {
  static constexpr auto values = hex_values();
  if (in.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(in.size() / 2);
  for (std::size_t i = 0; i < in.size(); i += 2) {
    auto high = values[static_cast<unsigned char>(in[i])], low = values[static_cast<unsigned char>(in[i + 1])];
    if (high > 15 || low > 15) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string base64_encode(bytes_view in) {
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < in.size(); i += 3) {
    auto n = std::min<std::size_t>(3, in.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < n ? std::to_integer<std::uint32_t>(in[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) out += j <= n ? base64_alphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view in) {
  static constexpr auto values = inverse(base64_alphabet);
  if (in.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < in.size() && in[in.size() - 1 - padding] == '=') ++padding;
  in.remove_suffix(padding);
  std::string out;
  out.reserve(in.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (auto c : in) {
    auto v = values[static_cast<unsigned char>(c)];
    if (v > 63) return std::nullopt;
    bits = (bits << 6 | v) & 0xffff;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 0xff);
    }
  }
  if ((bits & ((1u << have) - 1)) != 0) return std::nullopt;
  return out;
}

std::string format_http_date(unix_ms at) {
  auto c = to_civil(at);
  std::string out{days[static_cast<std::size_t>(c.weekday)]};
  out += ", ";
  put(out, c.day, 2);
  ((out += ' ') += months[static_cast<std::size_t>(c.month - 1)]) += ' ';
  put(out, c.year, 4);
  out += ' ';
  put(out, c.hour, 2);
  out += ':';
  put(out, c.minute, 2);
  out += ':';
  put(out, c.second, 2);
  out += " GMT";
  return out;
}

std::optional<unix_ms> parse_http_date(std::string_view in) {
  civil c;
  int name = 0, month = 0;
  auto time = [&](cursor& at) -> cursor& {
    return at.digits(2, c.hour).literal(":").digits(2, c.minute).literal(":").digits(2, c.second);
  };
  cursor fixed{in};
  fixed.name(days, name).literal(", ").digits(2, c.day).literal(" ").name(months, month).literal(" ").digits(4, c.year);
  if (fixed.good()) {
    c.month = month + 1;
    return time(fixed.literal(" ")).literal(" GMT").done() ? from_civil(c) : std::nullopt;
  }
  cursor rfc850{in};
  rfc850.name(long_days, name).literal(", ").digits(2, c.day).literal("-").name(months, month);
  rfc850.literal("-").digits(2, c.year);
  if (rfc850.good()) {
    c.month = month + 1;
    c.year += c.year < 70 ? 2000 : 1900;
    return time(rfc850.literal(" ")).literal(" GMT").done() ? from_civil(c) : std::nullopt;
  }
  cursor asctime{in};
  asctime.name(days, name).literal(" ").name(months, month).literal(" ");
  if (asctime.peek() == ' ')
    asctime.literal(" ").digits(1, c.day);
  else
    asctime.digits(2, c.day);
  time(asctime.literal(" ")).literal(" ").digits(4, c.year);
  c.month = month + 1;
  return asctime.done() ? from_civil(c) : std::nullopt;
}

std::string format_iso8601(unix_ms at) {
  auto c = to_civil(at);
  std::string out;
  out.reserve(24);
  put(out, c.year, 4);
  out += '-';
  put(out, c.month, 2);
  out += '-';
  put(out, c.day, 2);
  out += 'T';
  put(out, c.hour, 2);
  out += ':';
  put(out, c.minute, 2);
  out += ':';
  put(out, c.second, 2);
  out += '.';
  put(out, c.millisecond, 3);
  out += 'Z';
  return out;
}

std::optional<unix_ms> parse_iso8601(std::string_view in) {
  civil c;
  cursor at{in};
  at.digits(4, c.year).literal("-").digits(2, c.month).literal("-").digits(2, c.day).literal("T");
  at.digits(2, c.hour).literal(":").digits(2, c.minute).literal(":").digits(2, c.second);
  if (at.peek() == '.') {
    at.literal(".");
    int digit = 0, places = 0;
    for (; at.good() && at.peek() >= '0' && at.peek() <= '9'; ++places) {
      at.digits(1, digit);
      if (places < 3) c.millisecond = c.millisecond * 10 + digit;
    }
    if (places < 1 || places > 9) return std::nullopt;
    for (; places < 3; ++places) c.millisecond *= 10;
  }
  int zone_hour = 0, zone_minute = 0, sign = 0;
  if (at.peek() == 'Z') {
    at.literal("Z");
  } else {
    sign = at.peek() == '-' ? -1 : 1;
    at.literal(sign < 0 ? "-" : "+").digits(2, zone_hour).literal(":").digits(2, zone_minute);
  }
  if (!at.done() || zone_hour > 23 || zone_minute > 59) return std::nullopt;
  auto local = from_civil(c);
  if (local) *local -= sign * (zone_hour * 3'600'000LL + zone_minute * 60'000LL);
  return local;
}

std::string format_amz_date(unix_ms at) {
  auto c = to_civil(at);
  std::string out;
  out.reserve(16);
  put(out, c.year, 4);
  put(out, c.month, 2);
  put(out, c.day, 2);
  out += 'T';
  put(out, c.hour, 2);
  put(out, c.minute, 2);
  put(out, c.second, 2);
  out += 'Z';
  return out;
}

std::optional<unix_ms> parse_amz_date(std::string_view in) {
  civil c;
  cursor at{in};
  at.digits(4, c.year).digits(2, c.month).digits(2, c.day).literal("T");
  at.digits(2, c.hour).digits(2, c.minute).digits(2, c.second).literal("Z");
  return at.done() ? from_civil(c) : std::nullopt;
}

} // namespace troupe
