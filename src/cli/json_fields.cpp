#include "cli/json_fields.hpp"

#include "codec/units.hpp"

namespace troupe::cli {

namespace json = boost::json;

std::optional<std::int64_t> number_of(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
  return std::nullopt;
}

std::string text_of(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  if (value != nullptr && value->is_string()) return std::string{value->get_string()};
  return count_of(o, name);
}

bool is_true(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& object_of(const json::object& o, const char* name) {
  static const json::object none;
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const json::object& as_object(const json::value& v) {
  static const json::object none;
  return v.is_object() ? v.get_object() : none;
}

const json::array& array_of(const json::object& o, const char* name) {
  static const json::array none;
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

std::string count_of(const json::object& o, const char* name) {
  auto n = number_of(o, name);
  return n ? std::to_string(*n) : std::string{};
}

std::string bytes_of(const json::object& o, const char* name) {
  auto n = number_of(o, name);
  return n && *n >= 0 ? human_bytes(static_cast<std::uint64_t>(*n)) : std::string{};
}

} // namespace troupe::cli
