// snapshot: everything that table identity says, read at one version, as a process works with it; and the holder that its io
// threads look it up in. Immutable: a change makes another one.
#pragma once

#include "codec/digest.hpp"
#include "codec/sealed.hpp"
#include "core/identity/policy.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::identity {

// Kind bytes of table identity.
inline constexpr char user_rows = 'u';   // name       -> user_record
inline constexpr char key_rows = 'k';    // key id     -> access_key_record
inline constexpr char policy_rows = 'p'; // bucket pattern -> policy_record
inline constexpr char version_row = 'v'; // (nothing)      -> identity_version

enum class key_kind : std::uint8_t { sigv4, api };
std::string_view to_string(key_kind) noexcept;
std::optional<key_kind> key_kind_named(std::string_view);

struct user {
  role_set roles;
  bool disabled = false;
  unix_ms created = 0;
};

struct access_key {
  std::string user;
  key_kind kind = key_kind::sigv4;
  std::string secret; // sigv4: itself, empty when it does not open; api: its SHA-256, raw
  unix_ms created = 0;
};

struct stored_policy {
  std::string document;
  std::shared_ptr<const policy> parsed;
  unix_ms changed = 0;
};

struct snapshot {
  std::map<std::string, user, std::less<>> users;
  std::map<std::string, access_key, std::less<>> keys;
  std::map<std::string, stored_policy, std::less<>> documents; // by bucket pattern
  identity::policies policies;                                 // the same, as decide() takes them
  std::uint64_t version = 0;
  std::string version_value;      // the row as it is; empty: there is none
  std::vector<std::string> flaws; // what could not be read, for the log: keys that do not open, rows that do not parse

  // The rows of table identity, keys with the table byte. Without a master key no SigV4 key opens. A policy that does not
  // parse closes its buckets to all but root.
  static snapshot make(const std::vector<std::pair<std::string, std::string>>& rows, const std::optional<master_key>&);

  // Of a key whose user is there and not disabled.
  const access_key* usable(std::string_view key_id) const;
};

// What a sealed SigV4 secret is bound to.
std::string seal_context(std::string_view key_id, std::string_view user);
std::string digest_of_secret(std::string_view secret); // of an API key: SHA-256, raw

// Any number of threads.
class holder {
public:
  std::shared_ptr<const snapshot> get() const; // nothing before the first one was read
  void set(std::shared_ptr<const snapshot>);

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const snapshot> current_;
};

} // namespace troupe::identity
