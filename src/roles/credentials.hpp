// credentials: the keys of a development store. Made at the first start from the system's randomness (there is no
// default), kept in DATA/credentials with mode 0600, or taken from TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY.
// The file's form is `name = value` lines; the command line client reads it too.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace troupe {

struct credentials {
  std::string access_key;
  std::string secret_key;
  bool from_environment = false;
  friend bool operator==(const credentials&, const credentials&) = default;
};

// Environment first (both variables or neither), then the file, else new keys that are written to it, fsynced.
result<credentials> load_or_make_credentials(const std::string& directory, entropy&);
// Remembers where the store can be reached, for the client.
result<> write_addresses(const std::string& directory, const std::string& url, const std::string& console);

// The `name = value` lines of a credentials file; '#' begins a comment. ec::bad_argument names the line.
result<std::map<std::string, std::string>> parse_credentials(std::string_view text);

} // namespace troupe
