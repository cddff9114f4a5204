#include "core/identity/principal.hpp"

#include <algorithm>

namespace troupe::identity {

const char* to_string(action a) noexcept {
  switch (a) {
  case action::read: return "read";
  case action::list: return "list";
  case action::write: return "write";
  case action::remove: return "delete";
  case action::admin: return "admin";
  }
  return "unknown";
}

std::optional<action> action_named(std::string_view name) {
  for (auto a : all_actions)
    if (name == to_string(a)) return a;
  return std::nullopt;
}

std::string_view to_string(role r) noexcept {
  switch (r) {
  case role::reader: return "reader";
  case role::writer: return "writer";
  case role::admin: return "admin";
  }
  return "unknown";
}

std::optional<role> role_named(std::string_view name) {
  for (auto r : all_roles)
    if (name == to_string(r)) return r;
  return std::nullopt;
}

bool role_set::allow(action a) const {
  if (has(role::admin)) return true;
  switch (a) {
  case action::read:
  case action::list: return has(role::reader) || has(role::writer);
  case action::write:
  case action::remove: return has(role::writer);
  case action::admin: return false;
  }
  return false;
}

std::string principal::text() const {
  switch (kind) {
  case kinds::root: return "root";
  case kinds::user: return "user:" + name;
  case kinds::token: return "jwt:" + name;
  }
  return {};
}

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
      std::string_view{"._@+-"}.find(c) != std::string_view::npos;
  });
}

} // namespace troupe::identity
