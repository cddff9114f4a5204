// policy: what a bucket lets whom do beside their roles, and the one place where that is decided (decide()).
//
//   {"statements": [
//     {"effect": "allow", "principals": ["user:alice"], "actions": ["read", "list"], "keys": ["public/*"]},
//     {"effect": "deny",  "principals": ["*"],          "actions": ["delete"]}]}
//
// effect: allow or deny. principals: user:NAME, jwt:SUBJECT, role:ROLE (who was granted just that role) or * (everybody who
// proved who they are). actions: read, list, write, delete, admin, or *. keys: a key, or a prefix and one * at its end; absent:
// all. Keys are bytes: nothing is decoded, folded or normalised here, since nothing below does it either:
// "public/../secret" is a key that begins with "public/", and not the key "secret".
#pragma once

#include "base/error.hpp"
#include "core/identity/principal.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::identity {

// Text, or a prefix and '*'.
class pattern {
public:
  explicit pattern(std::string text);
  bool matches(std::string_view) const;
  // Whether it matches anything that begins with `prefix`.
  bool overlaps(std::string_view prefix) const;

private:
  std::string text_; // without the '*'
  bool prefix_;
};

class policy {
public:
  static constexpr std::size_t document_bytes_max = std::size_t{16} << 10, statements_max = 64, words_max = 64;

  // ec::bad_argument names the statement, and what was expected.
  static result<policy> parse(std::string_view document);
  // Of a document that can not be read: denies everybody everything.
  static policy closed();

  // Whether it says anything about this, either way. Of a listing, `key` is the prefix of the names that are asked for: a
  // deny counts when it denies any of them, an allow when it allows all of them.
  bool denies(const principal&, action, std::string_view key) const;
  bool allows(const principal&, action, std::string_view key) const;
  // Whether it allows them anything at all.
  bool welcomes(const principal&) const;

private:
  struct statement {
    bool deny = true;
    bool everybody = false;
    std::vector<std::string> names; // principal::text()
    role_set roles;
    std::uint8_t actions = 0; // bits
    std::vector<pattern> keys;
    bool concerns(const principal&, action) const;
    friend class policy_reader;
  };
  friend class policy_reader;
  std::vector<statement> statements_;
};

// By the name of the bucket, or a prefix of names and '*'.
using policies = std::map<std::string, std::shared_ptr<const policy>, std::less<>>;
// 1 to 64 of a-z 0-9 . _ -, or less and a '*' at the end.
bool is_bucket_pattern(std::string_view);

struct request {
  identity::action action = action::read;
  std::string_view bucket; // empty: the cluster itself, of which roles alone decide
  std::string_view key;    // empty: the bucket itself; of a listing the prefix of the names
};

// root may. A deny of any policy of the bucket wins over every allow, and over roles. Else a role, or an allow of a policy.
// Else not.
bool decide(const principal&, const policies&, const request&);

// Whether they may know that the bucket is there: those who may do anything in it, and are not denied to read all of it.
bool may_see(const principal&, const policies&, std::string_view bucket);

} // namespace troupe::identity
