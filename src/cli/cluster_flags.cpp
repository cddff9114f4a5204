#include "cli/cluster_flags.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace {

constexpr const char* path_default = "config/cluster.yaml";

config_override first_of(const std::string& flag_value, const char* flag, const environment_lookup& environment,
  std::initializer_list<const char*> names) {
  if (!flag_value.empty()) return {.value = flag_value, .origin = flag};
  for (const auto* name : names)
    if (auto value = environment(name)) return {.value = *std::move(value), .origin = name};
  return {};
}

std::string front_variable(const front_kind& kind) {
  std::string name = kind.name;
  for (auto& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "TROUPE_" + name;
}

} // namespace

void add_cluster_options(CLI::App& app, cluster_flags& flags) {
  constexpr const char* group = "Cluster";
  const auto add = [&](const char* name, std::string& value, const char* description, const char* type) {
    app.add_option(name, value, description)->type_name(type)->group(group);
  };
  add("--config", flags.config, "The cluster's configuration; else TROUPE_CONFIG, config/cluster.yaml", "FILE");
  add("--node", flags.node, "Which of its nodes this process is; else TROUPE_NODE. -1: all of them", "ID");
  add("--mode,--backend", flags.mode, "distributed, or local (filesystem): all nodes in this process; else TROUPE_MODE",
    "MODE");
  add("--s3", flags.s3, "Where this process's S3 endpoint listens; else TROUPE_S3", "HOST:PORT");
  add("--console", flags.console, "Where its console listens; else TROUPE_CONSOLE", "HOST:PORT");
  for (std::size_t k = 0; k < front_kinds.size(); ++k) {
    const auto variable = front_variable(front_kinds[k]);
    add((std::string{"--"} + front_kinds[k].name).c_str(), flags.fronts[k],
      ("Where its front door \"" + std::string{front_kinds[k].name} + "\" listens (port " +
        std::to_string(front_kinds[k].port) + " by custom), or off; else " + variable)
        .c_str(),
      "HOST:PORT");
  }
  add("--seeds", flags.seeds, "Further nodes to join by, separated by commas; else TROUPE_SEEDS", "HOST:PORT,...");
  add("--tls-ca", flags.ca, "The cluster's certificate authority (PEM); else TROUPE_TLS_CA", "FILE");
  add("--tls-cert", flags.certificate, "This node's certificate (PEM); else TROUPE_TLS_CERT", "FILE");
  add("--tls-key", flags.key, "Its private key (PEM); else TROUPE_TLS_KEY", "FILE");
}

cluster_choice choose_cluster(const cluster_flags& flags, const environment_lookup& environment) {
  const auto from = [&](const std::string& value, const char* flag, std::initializer_list<const char*> names) {
    return first_of(value, flag, environment, names);
  };
  cluster_choice choice;
  const auto path = from(flags.config, "--config", {"TROUPE_CONFIG", "CONFIG"});
  choice.path = path.value.empty() ? path_default : path.value;
  auto& o = choice.overrides;
  o.node = from(flags.node, "--node", {"TROUPE_NODE", "NODE"});
  o.mode = from(flags.mode, "--mode", {"TROUPE_MODE", "BACKEND"});
  if (o.mode.value == "filesystem") o.mode.value = "local"; // seed 004's word
  o.s3 = from(flags.s3, "--s3", {"TROUPE_S3"});
  o.console = from(flags.console, "--console", {"TROUPE_CONSOLE"});
  for (std::size_t k = 0; k < front_kinds.size(); ++k) {
    const auto flag = std::string{"--"} + front_kinds[k].name;
    const auto variable = front_variable(front_kinds[k]);
    o.fronts[k] = from(flags.fronts[k], flag.c_str(), {variable.c_str()});
  }
  o.seeds = from(flags.seeds, "--seeds", {"TROUPE_SEEDS"});
  o.ca = from(flags.ca, "--tls-ca", {"TROUPE_TLS_CA"});
  o.certificate = from(flags.certificate, "--tls-cert", {"TROUPE_TLS_CERT"});
  o.key = from(flags.key, "--tls-key", {"TROUPE_TLS_KEY"});
  o.access_key = from({}, "", {"TROUPE_ACCESS_KEY"});
  o.secret_key = from({}, "", {"TROUPE_SECRET_KEY"});
  return choice;
}

} // namespace troupe::cli
