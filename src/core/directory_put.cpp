#include "core/directory_put.hpp"

#include "codec/uri.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <optional>

namespace troupe::directory {

namespace json = boost::json;

namespace {

error bad(std::string what) { return fail(ec::invalid_argument, std::move(what)); }

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const auto same = [](char c, char lower) { return (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) == lower; };
  return std::ranges::equal(type, std::string_view{"application/json"}, same);
}

struct fields {
  std::optional<std::string> key, value;
};

result<fields> fields_of(std::string_view text) {
  json::parse_options shallow;
  shallow.max_depth = 2;
  json::error_code e;
  auto parsed = json::parse(text, e, {}, shallow);
  if (e) return bad("body: not JSON: " + e.message());
  if (!parsed.is_object()) return bad("body: a JSON object with \"value\", and \"key\" unless the query has it");
  fields f;
  for (const auto& field : parsed.get_object()) {
    const std::string_view name{field.key().data(), field.key().size()};
    if (name != "key" && name != "value") return bad("body: unknown field " + std::string{name});
    if (!field.value().is_string()) return bad(std::string{name} + ": not a string");
    auto& to = name == "key" ? f.key : f.value;
    to = std::string{field.value().get_string()};
  }
  return f;
}

result<std::string> one_of(const char* name, const std::string* in_query, std::optional<std::string>& in_body) {
  if (in_query != nullptr && in_body) return bad(std::string{name} + ": given in the query and in the body");
  if (in_query != nullptr) return *in_query;
  if (!in_body) return bad(std::string{name} + ": field required");
  return std::move(*in_body);
}

} // namespace

result<> check_directory_key(std::string_view key) {
  if (key.empty()) return bad("key: empty");
  if (key.size() > directory_key_bytes_max)
    return fail(ec::key_too_long,
      "key: " + std::to_string(key.size()) + " bytes; at most " + std::to_string(directory_key_bytes_max));
  if (key.find('\0') != key.npos) return bad("key: holds a NUL byte");
  if (!valid_utf8(key)) return bad("key: not UTF-8");
  return {};
}

result<put_request> parse_put_request(const put_input& in) {
  fields body;
  if (is_json(in.content_type)) {
    auto read = fields_of(in.body);
    if (!read) return read.error();
    body = std::move(*read);
  } else if (!in.body.empty() || (in.query_value == nullptr && !in.content_type.empty())) {
    body.value = std::string{in.body}; // an empty one with a type is an empty value
  }
  auto key = one_of("key", in.query_key, body.key);
  if (!key) return key.error();
  TROUPE_TRY(check_directory_key(*key));
  auto value = one_of("value", in.query_value, body.value);
  if (!value) return value.error();
  if (value->size() > value_bytes_max)
    return fail(
      ec::too_large, "value: " + std::to_string(value->size()) + " bytes; at most " + std::to_string(value_bytes_max));
  if (!valid_utf8(*value)) return bad("value: not UTF-8: answers are JSON; files belong into /files or S3");
  return put_request{.key = std::move(*key), .value = std::move(*value)};
}

} // namespace troupe::directory
