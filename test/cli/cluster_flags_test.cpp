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
