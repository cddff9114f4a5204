// principal: who sent a request, once that is proven, and the roles that they have everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::identity {

// What is done to a bucket, to a key in it, or, without a bucket, to the cluster.
enum class action : std::uint8_t {
  read,   // content, and what is said about it
  list,   // names
  write,  // new content; overwriting is writing
  remove, // content goes
  admin,  // buckets come and go; of the cluster: everything that changes it
};
inline constexpr action all_actions[] = {action::read, action::list, action::write, action::remove, action::admin};
const char* to_string(action) noexcept; // a string literal: "read", "list", "write", "delete", "admin"
std::optional<action> action_named(std::string_view);

enum class role : std::uint8_t {
  reader, // read, list
  writer, // and write, delete
  admin,  // everything
};
inline constexpr role all_roles[] = {role::reader, role::writer, role::admin};
std::string_view to_string(role) noexcept;
std::optional<role> role_named(std::string_view);

class role_set {
public:
  bool has(role r) const { return (bits_ >> static_cast<unsigned>(r) & 1u) != 0; }
  void add(role r) { bits_ = static_cast<std::uint8_t>(bits_ | 1u << static_cast<unsigned>(r)); }
  void remove(role r) { bits_ = static_cast<std::uint8_t>(bits_ & ~(1u << static_cast<unsigned>(r))); }
  // Whether one of them allows it, in every bucket.
  bool allow(action) const;
  friend bool operator==(const role_set&, const role_set&) = default;

private:
  std::uint8_t bits_ = 0;
};

struct principal {
  enum class kinds : std::uint8_t {
    root,  // the key that the cluster was started with: nothing is refused to it
    user,  // of table identity
    token, // whoever the token's issuer says
  };
  kinds kind = kinds::token;
  std::string name; // without its kind; empty for root
  role_set roles;
  std::string key; // the id of the key that they came with; empty for a token

  // "root", "user:alice", "jwt:alice": two of different kinds are never the same.
  std::string text() const;
};

// 1 to 64 of a-z A-Z 0-9 . _ @ + -
bool is_user_name(std::string_view);

} // namespace troupe::identity
