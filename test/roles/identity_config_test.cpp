// identity.* and audit.* of the configuration.
#include "roles/cluster_config.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

result<cluster_config> parsed(const std::string& more) {
  return parse_cluster_config(
    "storage:\n" + more + "  nodes:\n    - {id: n1, address: \"127.0.0.1\", data_dir: \"/data/{node}\"}\n", "t.yaml");
}

} // namespace

TEST_CASE("without a word of it there are no tokens and no master key, and the audit log is in the data directory") {
  const auto c = parsed("").value();
  CHECK(c.identity == identity_settings{});
  CHECK_FALSE(c.identity.jwt.on());
  CHECK(c.audit_of(c.nodes[0]).file == "/data/n1/audit.log");
  CHECK_FALSE(c.audit_of(c.nodes[0]).reads);
}

TEST_CASE("the audit log is where it is said to be, or off") {
  auto c =
    parsed("  audit: {file: \"/var/{node}.audit\", reads: \"yes\", size: 1MiB, keep: 3, when_full: block}\n").value();
  CHECK(c.audit_of(c.nodes[0]) ==
    audit_settings{.file = "/var/n1.audit", .reads = true, .bytes_max = 1 << 20, .keep = 3, .block = true});
  c = parsed("  audit: {file: \"off\"}\n").value();
  CHECK(c.audit_of(c.nodes[0]).file.empty());
  CHECK_FALSE(parsed("  audit: {when_full: explode}\n").has_value());
  CHECK_FALSE(parsed("  audit: {size: 1KiB}\n").has_value());
}

TEST_CASE("tokens need an issuer, an audience and keys from where nobody else can put them") {
  const auto jwt = [](const std::string& fields) { return parsed("  identity: {jwt: {" + fields + "}}\n"); };
  const auto c = jwt("issuer: i, audience: a, keys: \"https://i/k\", roles_claim: groups, refresh: 1m").value();
  CHECK(c.identity.jwt ==
    token_settings{.issuer = "i", .audience = "a", .keys = "https://i/k", .roles_claim = "groups", .refresh = 1min});
  CHECK(jwt("issuer: i, audience: a, keys: /etc/keys.json").has_value());
  for (const auto* bad : {"issuer: i", "issuer: i, audience: a", "issuer: i, keys: k", "audience: a, keys: k",
         "keys: k", "issuer: i, audience: a, keys: \"http://i/k\""}) {
    INFO(bad);
    const auto refused = jwt(bad);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == ec::bad_argument);
    CHECK(refused.error().message.find("identity.jwt") != std::string::npos);
  }
}
