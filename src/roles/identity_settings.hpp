// identity_settings: what the configuration says about who may come in (identity.*) and what is written down of them (audit.*).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

struct token_settings {
  std::string issuer, audience; // all three, or none: no tokens
  std::string keys;             // a JSON Web Key Set: a path, an https:// address, or http:// on loopback
  std::string roles_claim = "roles";
  std::chrono::milliseconds refresh{300'000}; // of the keys
  bool on() const { return !keys.empty(); }
  friend bool operator==(const token_settings&, const token_settings&) = default;
};

struct identity_settings {
  std::string master_key_file;  // 64 hex digits; empty: users can not have SigV4 keys
  bool make_master_key = false; // when the file is not there
  std::chrono::milliseconds refresh{1'000};
  token_settings jwt;
  friend bool operator==(const identity_settings&, const identity_settings&) = default;
};

struct audit_settings {
  std::string file;                                  // empty: there is none
  bool reads = false;                                // also requests that were allowed and changed nothing
  std::uint64_t bytes_max = std::uint64_t{64} << 20; // of one file
  std::uint32_t keep = 8;                            // older files besides
  bool block = false; // when lines come faster than they are written: wait, instead of losing some
  friend bool operator==(const audit_settings&, const audit_settings&) = default;
};

} // namespace troupe
