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

void add_trace_options(CLI::App& app, trace_flags& flags) {
  app
    .add_option("--tracing-endpoint", flags.endpoint,
      "Send traces there (OTLP/HTTP, such as http://127.0.0.1:4318/v1/traces); else TROUPE_TRACING_ENDPOINT. off: none")
    ->type_name("URL")
    ->group("Tracing");
  app
    .add_option("--tracing-sample", flags.sample,
      "Of how many requests, 0 to 1, unless the client says; else TROUPE_TRACING_SAMPLE, 0.01")
    ->type_name("SHARE")
    ->group("Tracing");
}

trace_choice choose_tracing(const trace_flags& flags, const environment_lookup& environment) {
  return {.endpoint = first_of(flags.endpoint, "--tracing-endpoint", environment, {"TROUPE_TRACING_ENDPOINT"}),
    .sample = first_of(flags.sample, "--tracing-sample", environment, {"TROUPE_TRACING_SAMPLE"})};
}

void add_cluster_options(CLI::App& app, cluster_flags& flags) {
  constexpr const char* group = "Cluster";
  const auto add = [&](const char* name, std::string& value, const char* description, const char* type) {
    app.add_option(name, value, description)->type_name(type)->group(group);
  };
  add("--config", flags.config, "The cluster's configuration; else TROUPE_CONFIG, config/cluster.yaml", "FILE");
  add("--node", flags.node, "Which of its nodes this process is; else TROUPE_NODE. -1: all of them", "ID");
  add("--roles", flags.roles,
    "That node's roles, separated by commas: coordinator, storage, metadata; else TROUPE_ROLES, and DB_ONLY=true for "
    "metadata. Instead of those in the file",
    "ROLE,...");
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
  add("--https-cert", flags.https_certificate,
    "The certificate of the front doors (PEM); else TROUPE_HTTPS_CERT, in mode local --tls-cert. Without: plain HTTP",
    "FILE");
  add("--https-key", flags.https_key, "Its private key (PEM); else TROUPE_HTTPS_KEY, in mode local --tls-key", "FILE");
  add_trace_options(app, flags.tracing);
}

https_settings choose_https(
  const std::string& certificate_flag, const std::string& key_flag, const environment_lookup& environment) {
  https_settings https;
  https.certificate = first_of(certificate_flag, "", environment, {"TROUPE_HTTPS_CERT"}).value;
  https.key = first_of(key_flag, "", environment, {"TROUPE_HTTPS_KEY"}).value;
  return https;
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
  o.roles = from(flags.roles, "--roles", {"TROUPE_ROLES"});
  if (const auto alone = environment("DB_ONLY"); o.roles.value.empty() && alone == "true") // seed 004's word
    o.roles = {.value = "metadata", .origin = "DB_ONLY"};
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
  o.https_certificate = from(flags.https_certificate, "--https-cert", {"TROUPE_HTTPS_CERT"});
  o.https_key = from(flags.https_key, "--https-key", {"TROUPE_HTTPS_KEY"});
  o.access_key = from({}, "", {"TROUPE_ACCESS_KEY"});
  o.secret_key = from({}, "", {"TROUPE_SECRET_KEY"});
  auto tracing = choose_tracing(flags.tracing, environment);
  o.trace_endpoint = std::move(tracing.endpoint);
  o.trace_sample = std::move(tracing.sample);
  return choice;
}

} // namespace troupe::cli
