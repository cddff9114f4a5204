// What flags and environment say instead of a configuration's file.
#include "support/cluster_configs.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("what flags and environment say wins over the file") {
  auto text =
    three_nodes("  mode: local\n  seeds: [localhost]\n  credentials: {access_key: file, secret_key: from-the-file}\n");
  auto c = parsed(text,
    {.node = {"n2", "--node"},
      .mode = {"distributed", "BACKEND"},
      .s3 = {"127.0.0.1:7000", "--s3"},
      .console = {"127.0.0.1:7001", "TROUPE_CONSOLE"},
      .seeds = {"localhost:1,127.0.0.1:2", "--seeds"},
      .access_key = {"someone", "TROUPE_ACCESS_KEY"},
      .secret_key = {"something-secret", "TROUPE_SECRET_KEY"}});
  CHECK(c.mode == cluster_mode::distributed);
  CHECK(c.self == node_id{"n2"});
  CHECK(to_string(c.nodes[1].s3) == "127.0.0.1:7000");
  CHECK(to_string(c.nodes[1].console) == "127.0.0.1:7001");
  CHECK(to_string(c.nodes[0].s3) == "0.0.0.0:9001"); // another process's
  CHECK(c.seeds == std::vector{host_port{"localhost", 1}, host_port{"127.0.0.1", 2}});
  CHECK(c.keys.access_key == "someone");
  CHECK(c.keys.from_environment);
  CHECK(parsed(three_nodes(), {.node = {"-1", "NODE"}}).mode == cluster_mode::local);
}

TEST_CASE("the roles of this process's node can be said instead of those in the file, unless others must know them") {
  auto c = parsed(three_nodes(), {.node = {"n2", "--node"}, .roles = {"storage,metadata", "--roles"}});
  CHECK_FALSE(c.nodes[1].coordinator);
  CHECK((c.nodes[1].storage && c.nodes[1].metadata));
  CHECK(c.nodes[0].coordinator); // another process's
  auto said = [](const char* roles, const std::string& more = "") {
    return refusal(three_nodes(more), {.node = {"n2", "--node"}, .roles = {roles, "--roles"}});
  };
  const std::string expected = "; expected a list of coordinator, storage and metadata, each at most once";
  CHECK(said("storage,database") == "--roles is 'database'" + expected);
  CHECK(said("storage,storage") == "--roles is 'storage'" + expected);
  CHECK(said("coordinator,metadata") ==
    "--roles is 'coordinator,metadata', and t.yaml says otherwise about n2 and the role storage: other nodes would "
    "send "
    "it pieces; change its roles there, on every node");
  CHECK(said("coordinator,storage") ==
    "--roles is 'coordinator,storage', and t.yaml says otherwise about n2 and the role metadata: who founds the "
    "metadata "
    "group must be the same to all; change its roles there, on every node");
  CHECK(said("storage", "  metadata: {members: [n1]}\n") == "accepted");
  CHECK(refusal(three_nodes(), {.roles = {"storage", "TROUPE_ROLES"}}) ==
    "TROUPE_ROLES is 'storage', but no node was named: say which one has these roles with --node ID; drop TROUPE_ROLES "
    "where all nodes are in one process");
}

TEST_CASE("a bad override is refused under the name it came by") {
  auto text = three_nodes();
  CHECK(refusal(text, {.mode = {"cluster", "BACKEND"}}) == "BACKEND is 'cluster'; expected distributed or local");
  CHECK(
    refusal(text, {.node = {"n4", "NODE"}}) == "NODE is 'n4', which is no node of t.yaml; expected one of n1, n2, n3");
  CHECK(refusal(text, {.s3 = {"9000", "--s3"}}) ==
    "--s3 is '9000'; expected ADDRESS:PORT to listen on, such as 127.0.0.1:9000 or :9000");
  CHECK(refusal(text, {.seeds = {"a,,b", "--seeds"}}) == "--seeds is ''; expected a list of HOST:PORT, each once");
  CHECK(refusal(text, {.access_key = {"alone", "TROUPE_ACCESS_KEY"}}) ==
    "TROUPE_ACCESS_KEY is given alone; expected an access key and its secret key, or neither");
}
