#include "codec/multipart_form.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t boundary_bytes_max = 70; // RFC 2046 section 5.1.1
constexpr std::size_t fields_max = 32;

error bad(std::string what) { return fail(ec::bad_request, "the form " + std::move(what)); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}
std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// The next "name=value" behind a ';', quotes removed; removes it from `rest`. Nothing at the end, or for what is none.
struct parameter {
  std::string_view name;
  std::string value;
};
std::optional<parameter> next_parameter(std::string_view& rest) {
  const auto semicolon = rest.find(';');
  if (semicolon == rest.npos) return {};
  rest = trimmed(rest.substr(semicolon + 1));
  const auto equals = rest.find('=');
  if (equals == rest.npos) return {};
  parameter p{.name = trimmed(rest.substr(0, equals)), .value = {}};
  rest = trimmed(rest.substr(equals + 1));
  if (!rest.starts_with('"')) {
    const auto end = std::min(rest.find(';'), rest.size());
    p.value = trimmed(rest.substr(0, end));
    rest.remove_prefix(end);
    return p;
  }
  std::size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
    p.value += rest[i];
  }
  if (i == rest.size()) return {}; // no closing quote
  rest.remove_prefix(i + 1);
  return p;
}

struct part_head {
  std::string name, content_type;
  std::optional<std::string> filename;
};
result<part_head> read_headers(std::string_view lines) {
  part_head head;
  bool disposed = false;
  while (!lines.empty()) {
    auto end = lines.find("\r\n");
    auto line = lines.substr(0, end);
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 2);
    const auto colon = line.find(':');
    if (colon == line.npos) return bad("has a line that is no header");
    const auto name = line.substr(0, colon);
    auto value = trimmed(line.substr(colon + 1));
    if (same_text(name, "content-type")) head.content_type = value;
    if (!same_text(name, "content-disposition")) continue;
    if (!same_text(trimmed(value.substr(0, value.find(';'))), "form-data"))
      return bad("has a part that is not form-data");
    disposed = true;
    while (auto p = next_parameter(value)) {
      if (same_text(p->name, "name"))
        head.name = std::move(p->value);
      else if (same_text(p->name, "filename"))
        head.filename = std::move(p->value);
    }
  }
  if (!disposed) return bad("has a part without Content-Disposition");
  return head;
}

} // namespace

result<std::optional<std::string>> form_boundary(std::string_view content_type) {
  if (!same_text(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data"))
    return std::optional<std::string>{};
  while (auto p = next_parameter(content_type)) {
    if (!same_text(p->name, "boundary")) continue;
    const auto visible = [](char c) { return c >= ' ' && c < 0x7f; };
    if (p->value.empty() || p->value.size() > boundary_bytes_max || !std::ranges::all_of(p->value, visible)) break;
    return std::optional{std::move(p->value)};
  }
  return bad("has no valid boundary in its Content-Type");
}

result<std::optional<form_head>> parse_form_head(std::string_view body, std::string_view boundary) {
  const auto nothing_yet = std::optional<form_head>{};
  const auto first = "--" + std::string{boundary} + "\r\n";
  const auto next = "\r\n--" + std::string{boundary};
  if (body.size() < first.size()) {
    if (first.starts_with(body)) return nothing_yet;
    return bad("does not begin with its boundary");
  }
  if (!body.starts_with(first)) return bad("does not begin with its boundary");
  form_head head;
  auto at = first.size();
  for (std::size_t parts = 0; parts <= fields_max; ++parts) {
    const auto blank = body.find("\r\n\r\n", at);
    if (blank == body.npos) return nothing_yet;
    auto part = read_headers(body.substr(at, blank - at));
    if (!part) return part.error();
    at = blank + 4;
    if (part->filename) {
      head.filename = std::move(*part->filename);
      head.content_type = std::move(part->content_type);
      head.bytes = at;
      return std::optional{std::move(head)};
    }
    const auto end = body.find(next, at);
    if (end == body.npos || body.size() < end + next.size() + 2) return nothing_yet;
    head.fields[part->name] = body.substr(at, end - at);
    at = end + next.size();
    if (body.substr(at, 2) != "\r\n") return bad("has no field with a filename: the file has to be one");
    at += 2;
  }
  return bad("has more than " + std::to_string(fields_max) + " fields before the file");
}

std::string form_end(std::string_view boundary) { return "\r\n--" + std::string{boundary} + "--\r\n"; }

} // namespace troupe
