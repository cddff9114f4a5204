#include "core/directory_put.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::directory;

namespace {

result<put_request> parsed(const std::optional<std::string>& key, const std::optional<std::string>& value,
  std::string_view type, std::string_view body) {
  return parse_put_request(
    {.query_key = key ? &*key : nullptr, .query_value = value ? &*value : nullptr, .content_type = type, .body = body});
}

} // namespace

TEST_CASE("key and value come from the query, a JSON body, or the key from the query and the body as it is") {
  for (const auto& got : {parsed("k", "v", "", ""), parsed({}, {}, "application/json", R"({"key": "k", "value": "v"})"),
         parsed("k", {}, "application/json; charset=utf-8", R"({"value": "v"})"), parsed("k", {}, "text/plain", "v"),
         parsed("k", {}, "application/x-www-form-urlencoded", "v"), parsed("k", {}, "", "v")}) {
    REQUIRE(got);
    CHECK(got->key == "k");
    CHECK(got->value == "v");
  }
  const auto empty = parsed("k", {}, "text/plain", "");
  REQUIRE(empty);
  CHECK(empty->value.empty());
  CHECK(parsed("k", "", "", "")->value.empty());
}

TEST_CASE("what is missing, given twice, of another type or no UTF-8 is refused by the name of the field") {
  const auto refused = [](const result<put_request>& r) {
    REQUIRE_FALSE(r);
    CHECK(r.error().code == ec::invalid_argument);
    return r.error().message;
  };
  CHECK(refused(parsed({}, "v", "", "")) == "key: field required");
  CHECK(refused(parsed("k", {}, "", "")) == "value: field required");
  CHECK(refused(parsed("k", "v", "text/plain", "w")).starts_with("value: given"));
  CHECK(refused(parsed("k", {}, "application/json", R"({"key": "k", "value": "v"})")).starts_with("key: given"));
  CHECK(refused(parsed({}, {}, "application/json", R"({"key": "k", "value": 7})")).starts_with("value: not a string"));
  CHECK(refused(parsed({}, {}, "application/json", R"({"key": "k", "value": "v", "more": 1})"))
          .starts_with("body: unknown"));
  CHECK(refused(parsed({}, {}, "application/json", "[]")).starts_with("body: "));
  CHECK(refused(parsed({}, {}, "application/json", "{")).starts_with("body: not JSON"));
  CHECK(refused(parsed({}, {}, "application/json", "[[[[[[1]]]]]]")).starts_with("body: not JSON"));
  CHECK(refused(parsed("", "v", "", "")) == "key: empty");
  CHECK(refused(parsed(std::string{"a\0b", 3}, "v", "", "")).starts_with("key: holds"));
  CHECK(refused(parsed("\xff", "v", "", "")).starts_with("key: not UTF-8"));
  CHECK(refused(parsed("k", {}, "text/plain", "\xc3")).starts_with("value: not UTF-8"));
}

TEST_CASE("keys and values have their bounds") {
  CHECK(parsed(std::string(directory_key_bytes_max, 'k'), "v", "", ""));
  CHECK(parsed(std::string(directory_key_bytes_max + 1, 'k'), "v", "", "").error().code == ec::key_too_long);
  CHECK(parsed("k", {}, "text/plain", std::string(value_bytes_max, 'v')));
  CHECK(parsed("k", {}, "text/plain", std::string(value_bytes_max + 1, 'v')).error().code == ec::too_large);
}
