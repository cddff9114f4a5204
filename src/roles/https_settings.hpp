// https_settings: TLS on the front doors, as the configuration says it: one certificate for all, and the front doors that go
// without.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct https_settings {
  std::string certificate, key;             // PEM files; both empty: every front door speaks plain HTTP
  std::vector<std::string> plain;           // names of front doors that do so all the same
  std::chrono::milliseconds refresh{5'000}; // how often the files are looked at
  bool on() const { return !certificate.empty(); }
  bool covers(std::string_view door) const { return on() && std::ranges::find(plain, door) == plain.end(); }
  friend bool operator==(const https_settings&, const https_settings&) = default;
};

} // namespace troupe
