#include "api/s3/call.hpp"

#include <charconv>

namespace troupe::s3 {

std::string_view call::header(std::string_view name) const {
  for (const auto& h : headers)
    if (http::same_name(h.name, name)) return h.value;
  return {};
}

std::string call::query_or_empty(std::string_view name) const {
  const auto* value = query(name);
  return value != nullptr ? *value : std::string{};
}

std::uint32_t call::number(
  std::string_view name, std::uint32_t fallback, std::uint32_t least, std::uint32_t most) const {
  const auto* text = query(name);
  if (text == nullptr || text->empty()) return fallback;
  std::uint32_t n = 0;
  auto [end, e] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (e != std::errc{} || end != text->data() + text->size() || n < least || n > most)
    throw s3_error{ec::invalid_argument,
      "Argument " + std::string{name} + " must be an integer between " + std::to_string(least) + " and " +
        std::to_string(most)}
      .with_element("ArgumentName", std::string{name})
      .with_element("ArgumentValue", *text);
  return n;
}

http::task<> call::send_xml(std::string body) {
  res.set("Content-Type", "application/xml");
  co_await res.send(body);
}

} // namespace troupe::s3
