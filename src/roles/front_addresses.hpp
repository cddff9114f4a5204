// front_addresses: where the front doors beside S3 and the console listen. One without an address is switched off, which is
// the default: nobody has to guard a port that he does not use.
#pragma once

#include "roles/host_port.hpp"
#include "roles/https_settings.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

struct front_addresses {
  std::optional<host_port> directory; // keys in hashed disk buckets, HTTP
  std::optional<host_port> files;     // files by id, HTTP
  std::optional<host_port> s3db;      // tables of small values, HTTP signed by SigV4
  std::optional<host_port> shards;    // key-value shards on volumes, gRPC
  friend bool operator==(const front_addresses&, const front_addresses&) = default;
};

struct front_kind {
  const char* name; // as in the configuration, the flags and the line "listening ..."
  std::optional<host_port> front_addresses::*where;
  std::uint16_t port; // where its clients expect it
};

inline constexpr std::array front_kinds{
  front_kind{"directory", &front_addresses::directory, 8000},
  front_kind{"files", &front_addresses::files, 8001},
  front_kind{"s3db", &front_addresses::s3db, 6660},
  front_kind{"shards", &front_addresses::shards, 50051},
};

// " s3=127.0.0.1:9000", or with TLS " s3=https://127.0.0.1:9000": a word of the line "listening ...".
inline std::string to_word(const char* door, const host_port& where, const https_settings& https) {
  return std::string{" "} + door + "=" + (https.covers(door) ? "https://" : "") + to_string(where);
}
// Those of the front doors above, which the line ends with.
inline std::string to_words(const front_addresses& a, const https_settings& https) {
  std::string words;
  for (const auto& kind : front_kinds)
    if (const auto& where = a.*kind.where) words += to_word(kind.name, *where, https);
  return words;
}

} // namespace troupe
