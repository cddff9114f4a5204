#include "cli/cluster_flags.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace troupe;
using namespace troupe::cli;

namespace {

environment_lookup environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
}

} // namespace

TEST_CASE("nothing said means config/cluster.yaml as it stands") {
  const auto c = choose_cluster({}, environment({}));
  CHECK(c.path == "config/cluster.yaml");
  CHECK(c.overrides.node.value.empty());
  CHECK(c.overrides.mode.value.empty());
}

TEST_CASE("a flag wins over our variable, and our variable over seed 004's") {
  std::map<std::string, std::string> variables{{"CONFIG", "theirs.yaml"}, {"NODE", "3"}, {"BACKEND", "filesystem"}};
  auto c = choose_cluster({}, environment(variables));
  CHECK(c.path == "theirs.yaml");
  CHECK(c.overrides.node.value == "3");
  CHECK(c.overrides.node.origin == "NODE");
  CHECK(c.overrides.mode.value == "local");
  CHECK(c.overrides.mode.origin == "BACKEND");
  variables.insert({{"TROUPE_CONFIG", "ours.yaml"}, {"TROUPE_NODE", "n1"}, {"TROUPE_MODE", "distributed"},
    {"TROUPE_TLS_CERT", "c.pem"}, {"TROUPE_SECRET_KEY", "secret"}});
  c = choose_cluster({}, environment(variables));
  CHECK(c.path == "ours.yaml");
  CHECK(c.overrides.node.origin == "TROUPE_NODE");
  CHECK(c.overrides.mode.value == "distributed");
  CHECK(c.overrides.certificate.value == "c.pem");
  CHECK(c.overrides.secret_key.value == "secret");
  c = choose_cluster({.config = "flag.yaml", .node = "n2"}, environment(variables));
  CHECK(c.path == "flag.yaml");
  CHECK(c.overrides.node.value == "n2");
  CHECK(c.overrides.node.origin == "--node");
}

TEST_CASE("roles are said by flag or variable, and DB_ONLY is seed 004's word for metadata alone") {
  CHECK(choose_cluster({.roles = "storage"}, environment({{"DB_ONLY", "true"}})).overrides.roles.value == "storage");
  auto c = choose_cluster({}, environment({{"TROUPE_ROLES", "coordinator,storage"}, {"DB_ONLY", "true"}}));
  CHECK(c.overrides.roles.value == "coordinator,storage");
  CHECK(c.overrides.roles.origin == "TROUPE_ROLES");
  c = choose_cluster({}, environment({{"DB_ONLY", "true"}}));
  CHECK(c.overrides.roles.value == "metadata");
  CHECK(c.overrides.roles.origin == "DB_ONLY");
  CHECK(choose_cluster({}, environment({{"DB_ONLY", "false"}})).overrides.roles.value.empty());
}

TEST_CASE("the front doors' certificate can be said by flag or variable, the flag first") {
  const auto variables = environment({{"TROUPE_HTTPS_CERT", "v.pem"}, {"TROUPE_HTTPS_KEY", "v.key"}});
  cluster_flags flags;
  auto c = choose_cluster(flags, variables);
  CHECK(c.overrides.https_certificate.value == "v.pem");
  CHECK(c.overrides.https_key.origin == "TROUPE_HTTPS_KEY");
  flags.https_certificate = "f.pem";
  c = choose_cluster(flags, variables);
  CHECK(c.overrides.https_certificate.value == "f.pem");
  CHECK(c.overrides.https_certificate.origin == "--https-cert");
  CHECK(c.overrides.certificate.value.empty());
  auto of_dev = choose_https("", "f.key", variables);
  CHECK(of_dev.certificate == "v.pem");
  CHECK(of_dev.key == "f.key");
  CHECK_FALSE(choose_https("", "", environment({})).on());
}

TEST_CASE("where traces go can be said by flag or variable, the flag first") {
  trace_flags flags;
  const auto variables = environment({{"TROUPE_TRACING_ENDPOINT", "http://v:4318/"}, {"TROUPE_TRACING_SAMPLE", "0.5"}});
  CHECK(choose_tracing(flags, environment({})).endpoint.value.empty());
  CHECK(choose_tracing(flags, variables).sample.origin == "TROUPE_TRACING_SAMPLE");
  flags.endpoint = "http://f:4318/";
  const auto c = choose_tracing(flags, variables);
  CHECK(c.endpoint.value == "http://f:4318/");
  CHECK(c.endpoint.origin == "--tracing-endpoint");
  CHECK(c.sample.value == "0.5");
  cluster_flags all;
  all.tracing = flags;
  CHECK(choose_cluster(all, variables).overrides.trace_endpoint.value == "http://f:4318/");
}
