// ca: `troupe ca`: the files of a cluster's certificate authority and of its nodes' certificates. What is in them:
// codec/certificate. Nothing is ever overwritten: whoever replaces a certificate does so knowingly.
#pragma once

#include "base/error.hpp"
#include "codec/certificate.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::cli {

struct ca_init_options {
  std::string dir = "./ca"; // made when absent, for its owner alone
  std::uint32_t days = ca_days_default;
};

struct ca_issue_options {
  std::string node;
  std::string dir = "./ca";
  std::string out; // empty: dir
  std::vector<std::string> hosts;
  std::uint32_t days = node_days_default;
};

// Each prints what it made or found, or an error with what to do; returns the exit code.
int run_ca_init(const ca_init_options&, unix_ms now, entropy&);   // DIR/ca.pem, DIR/ca.key
int run_ca_issue(const ca_issue_options&, unix_ms now, entropy&); // OUT/NODE.pem, OUT/NODE.key
int run_ca_show(const std::string& file, unix_ms now);

} // namespace troupe::cli
