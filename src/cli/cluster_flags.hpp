// cluster_flags: which cluster configuration a command works with, and what flags and environment say instead of it.
// For each value: the flag, else the environment, else the file, else its default (roles/cluster_config.hpp).
#pragma once

#include "cli/connection.hpp"
#include "cli/service.hpp"
#include "roles/cluster_config.hpp"

#include <string>

namespace CLI {
class App;
}

namespace troupe::cli {

// Of `troupe dev` as well. Empty: not given.
struct trace_flags {
  std::string endpoint, sample;
};
// --tracing-endpoint and --tracing-sample; else TROUPE_TRACING_ENDPOINT, TROUPE_TRACING_SAMPLE.
void add_trace_options(CLI::App&, trace_flags&);
struct trace_choice {
  config_override endpoint, sample;
};
trace_choice choose_tracing(const trace_flags&, const environment_lookup&);

// What was given on the command line; empty: not given. Secrets have no flag: it would show in the process list.
struct cluster_flags {
  std::string config;
  std::string node;
  std::string roles;
  std::string mode;
  std::string s3, console;
  std::array<std::string, front_kinds.size()> fronts; // in that order
  std::string seeds;
  std::string ca, certificate, key;
  std::string https_certificate, https_key;
  trace_flags tracing;
  log_options log;
};

// --config, --node, --roles, --mode (seed 004's --backend), --s3, --console, one for each front door, --seeds, --tls-ca, --tls-cert,
// --tls-key, --https-cert, --https-key and those of add_trace_options(). `flags` must live as long as the app.
void add_cluster_options(CLI::App&, cluster_flags& flags);

struct cluster_choice {
  std::string path;
  config_overrides overrides; // for load_cluster_config()
};

// Of the environment: TROUPE_CONFIG or CONFIG, TROUPE_NODE or NODE, TROUPE_MODE or BACKEND (seed 004's names, after ours),
// TROUPE_S3, TROUPE_CONSOLE, TROUPE_DIRECTORY (FILES, S3DB, SHARDS), TROUPE_SEEDS, TROUPE_TLS_CA, TROUPE_TLS_CERT, TROUPE_TLS_KEY,
// TROUPE_HTTPS_CERT, TROUPE_HTTPS_KEY, TROUPE_ACCESS_KEY, TROUPE_SECRET_KEY, TROUPE_TRACING_ENDPOINT, TROUPE_TRACING_SAMPLE.
// For `troupe dev`: the flags, else TROUPE_HTTPS_CERT and TROUPE_HTTPS_KEY.
https_settings choose_https(
  const std::string& certificate_flag, const std::string& key_flag, const environment_lookup&);
cluster_choice choose_cluster(const cluster_flags&, const environment_lookup&);

} // namespace troupe::cli
