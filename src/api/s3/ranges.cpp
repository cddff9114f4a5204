#include "api/s3/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace troupe::s3 {

namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// A number too large for 64 bits is as good as the largest: it only says "to the end".
std::optional<std::uint64_t> number(std::string_view s) {
  if (s.empty() || !std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::uint64_t n = 0;
  auto [end, e] = std::from_chars(s.data(), s.data() + s.size(), n);
  return e == std::errc::result_out_of_range ? UINT64_MAX : n;
}

struct spec {
  std::optional<std::uint64_t> first, last;
};

std::optional<spec> parse(std::string_view header) {
  constexpr std::string_view unit = "bytes";
  const auto equals = header.find('=');
  if (equals == header.npos) return {};
  const auto name = trim(header.substr(0, equals));
  auto same = [](char a, char b) { return (a | 0x20) == b; };
  if (!std::ranges::equal(name, unit, same)) return {};
  const auto text = trim(header.substr(equals + 1));
  const auto dash = text.find('-');
  if (dash == text.npos) return {};
  const auto left = trim(text.substr(0, dash)), right = trim(text.substr(dash + 1));
  spec s{number(left), number(right)};
  if ((!left.empty() && !s.first) || (!right.empty() && !s.last) || (!s.first && !s.last)) return {};
  if (s.first && s.last && *s.last < *s.first) return {};
  return s;
}

} // namespace

range_choice choose_range(std::string_view header, std::uint64_t size) {
  using enum range_choice::kind;
  const range_choice all{whole, {0, size}};
  if (header.empty()) return all;
  const auto s = parse(header);
  if (!s) return all;
  if (!s->first) { // the last n bytes
    const auto n = std::min(*s->last, size);
    return n == 0 ? range_choice{unsatisfiable, {}} : range_choice{part, {size - n, n}};
  }
  if (*s->first >= size) return {unsatisfiable, {}};
  const auto last = std::min(s->last.value_or(UINT64_MAX), size - 1);
  return {part, {*s->first, last - *s->first + 1}};
}

result<byte_range> copy_range(std::string_view header, std::uint64_t size) {
  const auto s = parse(header);
  if (!s || !s->first || !s->last)
    return fail(ec::invalid_argument,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where "
      "first and last are the zero-based offsets of the first and last bytes to copy");
  if (*s->last >= size)
    return fail(ec::invalid_range, "Range specified is not valid for source object of size: " + std::to_string(size));
  return byte_range{*s->first, *s->last - *s->first + 1};
}

std::string content_range(const byte_range& r, std::uint64_t size) {
  return "bytes " + std::to_string(r.offset) + "-" + std::to_string(r.offset + r.length - 1) + "/" +
    std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) { return "bytes */" + std::to_string(size); }

} // namespace troupe::s3
