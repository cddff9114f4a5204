// cluster_configs: configurations as text, what they are read as, and why they are refused.
#pragma once

#include "roles/cluster_config.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace troupe::test {

// Three nodes on loopback, as they are on one machine; `more` goes before them, from line 2 on.
inline std::string three_nodes(const std::string& more = "") {
  std::string text = "storage:\n" + more + "  nodes:\n";
  for (auto n : {"1", "2", "3"})
    text += std::string{"    - {id: n"} + n + ", address: \"127.0.0.1:910" + n +
      "\", data_dir: \"/data/{node}\", s3: \":900" + n + "\", console: \":800" + n + "\"}\n";
  return text;
}

inline cluster_config parsed(const std::string& text, const config_overrides& overrides = {}) {
  auto c = parse_cluster_config(text, "t.yaml", overrides);
  INFO(text);
  if (!c) FAIL(c.error().message);
  return *c;
}

inline std::string refusal(const std::string& text, const config_overrides& overrides = {}) {
  auto c = parse_cluster_config(text, "t.yaml", overrides);
  if (c) return "accepted";
  CHECK(c.error().code == ec::bad_argument);
  return c.error().message;
}

} // namespace troupe::test
