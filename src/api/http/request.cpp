#include "api/http/request.hpp"

#include <algorithm>

namespace troupe::http {

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

request::request(const request_head& head, http::body& content, worker& io, origin sent_from)
    : head_(head), content_(content), io_(io), from_(sent_from) {}

const http::header* request::find(std::string_view name) const {
  for (auto& h : head_.headers)
    if (same_name(h.name, name)) return &h;
  return nullptr;
}

std::string_view request::header(std::string_view name) const {
  auto* h = find(name);
  return h != nullptr ? h->value : std::string_view{};
}

bool request::has_header(std::string_view name) const { return find(name) != nullptr; }

} // namespace troupe::http
