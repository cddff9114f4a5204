#include "core/otlp_json.hpp"

#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace troupe {

namespace json = boost::json;

namespace {

constexpr int status_error = 2; // of SpanStatus

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& id) {
  return hex_encode(std::as_bytes(std::span{id}));
}

// A collector refuses the whole request when one text is not UTF-8.
json::string text(std::string_view s) {
  if (valid_utf8(s)) return json::string{s};
  json::string out;
  for (const char c : s) out.push_back(static_cast<unsigned char>(c) < 0x80 ? c : '?');
  return out;
}

json::object attribute(std::string_view key, json::object value) {
  return json::object{{"key", key}, {"value", std::move(value)}};
}

json::object attribute(const span::attribute& a) {
  if (const auto* number = std::get_if<std::int64_t>(&a.second))
    return attribute(a.first, json::object{{"intValue", std::to_string(*number)}});
  return attribute(a.first, json::object{{"stringValue", text(std::get<std::string>(a.second))}});
}

json::object span_json(const span& s) {
  json::object out{{"traceId", hex(s.context.trace)}, {"spanId", hex(s.context.span)}};
  if (s.parent != span_id{}) out["parentSpanId"] = hex(s.parent);
  out["name"] = s.name;
  out["kind"] = static_cast<int>(s.kind);
  out["startTimeUnixNano"] = std::to_string(s.start_ns);
  out["endTimeUnixNano"] = std::to_string(s.end_ns);
  json::array attributes;
  for (const auto& a : s.attributes) attributes.push_back(attribute(a));
  out["attributes"] = std::move(attributes);
  if (s.failed) out["status"] = json::object{{"code", status_error}, {"message", text(s.failure)}};
  return out;
}

} // namespace

std::string otlp_json(const otlp_resource& who, std::span<const span> spans) {
  json::array about;
  for (const auto& [key, value] : {std::pair{"service.name", &who.service},
         std::pair{"service.instance.id", &who.instance}, std::pair{"service.version", &who.version}})
    if (!value->empty()) about.push_back(attribute(key, json::object{{"stringValue", text(*value)}}));
  json::array all;
  for (const auto& s : spans) all.push_back(span_json(s));
  json::object scope{{"scope", json::object{{"name", "troupe"}}}, {"spans", std::move(all)}};
  json::object resource{
    {"resource", json::object{{"attributes", std::move(about)}}}, {"scopeSpans", json::array{std::move(scope)}}};
  return json::serialize(json::object{{"resourceSpans", json::array{std::move(resource)}}});
}

} // namespace troupe
