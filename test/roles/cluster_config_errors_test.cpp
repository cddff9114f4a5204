#include "roles/cluster_config.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

std::string refusal(const std::string& text) {
  auto c = parse_cluster_config(text, "t.yaml");
  if (c) return "accepted";
  CHECK(c.error().code == ec::bad_argument);
  return c.error().message;
}

// `lines` are the lines from the second on, below `storage:`.
std::string refused(const std::string& lines) {
  return refusal("storage:\n" + lines + "  nodes:\n    - {id: a, address: localhost, data_dir: /d}\n");
}

std::string refused_nodes(const std::string& lines) { return refusal("storage:\n  nodes:\n" + lines); }

} // namespace

TEST_CASE("an unknown key is refused with its line and the key that was meant") {
  CHECK(refused("  cluster:\n    replica_cuont: 3\n") ==
    "t.yaml:3: storage.cluster.replica_cuont is not known; did you mean replica_count?");
  CHECK(refused("  gosip: {interval: 1s}\n") == "t.yaml:2: storage.gosip is not known; did you mean gossip?");
  CHECK(refused("  replica_count: 3\n") ==
    "t.yaml:2: storage.replica_count is not known; did you mean cluster.replica_count?");
  CHECK(refused("  cluster.replica_count: 3\n").starts_with("t.yaml:2: storage.cluster.replica_count is not known; "));
  CHECK(refused("  memory: {zzzzzz: 3}\n") == "t.yaml:2: storage.memory.zzzzzz is not known; known here: uploads");
  CHECK(refused_nodes("    - id: a\n      adress: localhost\n") ==
    "t.yaml:4: storage.nodes[0].adress is not known; did you mean address?");
  CHECK(refused("  [a]: b\n") == "t.yaml:2: a key is a list; expected a word");
}

TEST_CASE("a key that is given twice is refused with both lines") {
  CHECK(refused("  mode: local\n  mode: distributed\n") == "t.yaml:3: storage.mode is given twice, first on line 2");
  CHECK(refused("  cluster: {replica_count: 3,\n    replica_count: 4}\n") ==
    "t.yaml:3: storage.cluster.replica_count is given twice, first on line 2");
  CHECK(
    refusal("storage: {nodes: []}\nstorage: {nodes: []}\n") == "t.yaml:1: storage is given twice; expected it once");
}

TEST_CASE("a value of the wrong type is refused with what was found and what was expected") {
  CHECK(refused("  cluster:\n    replica_count: three\n") ==
    "t.yaml:3: storage.cluster.replica_count is 'three'; expected a whole number from 1 to 9");
  CHECK(refused("  cluster: 3\n") == "t.yaml:2: storage.cluster is '3'; expected a mapping of keys to values");
  CHECK(refused("  mode:\n") == "t.yaml:2: storage.mode is nothing; expected distributed or local");
  CHECK(refused("  mode: [local]\n") == "t.yaml:2: storage.mode is a list; expected distributed or local");
  CHECK(refused("  faults: {a: b}\n") == "t.yaml:2: storage.faults is a mapping; expected disabled or enabled");
  CHECK(refused("  seeds: localhost\n") ==
    "t.yaml:2: storage.seeds is 'localhost'; expected a list of HOST:PORT, each once");
  CHECK(refused("  seeds:\n    - localhost\n    - localhost:9101\n") ==
    "t.yaml:4: storage.seeds is 'localhost:9101'; expected a list of HOST:PORT, each once");
  CHECK(refusal("storage:\n  nodes: {id: a}\n") ==
    "t.yaml:2: storage.nodes is a mapping; expected a list of 1 to 1000 nodes, each with id, address and data_dir");
  CHECK(
    refused_nodes("    - node-1\n") == "t.yaml:3: storage.nodes[0] is 'node-1'; expected a mapping of keys to values");
}

TEST_CASE("a value out of its range is refused") {
  const std::pair<const char*, const char*> bad[] = {
    {"  cluster: {replica_count: 0}\n", "storage.cluster.replica_count is '0'; expected a whole number from 1 to 9"},
    {"  cluster: {replica_count: -3}\n", "storage.cluster.replica_count is '-3'; expected a whole number from 1 to 9"},
    {"  cluster: {replica_count: 3.0}\n",
      "storage.cluster.replica_count is '3.0'; expected a whole number from 1 to 9"},
    {"  cluster: {virtual_nodes: 100}\n",
      "storage.cluster.virtual_nodes is '100'; expected 150, the one value that is supported"},
    {"  cluster: {read_quorum: 2}\n",
      "storage.cluster.read_quorum is '2'; expected 1, the one value that is supported"},
    {"  cluster: {piece_size: 2MiB}\n", "storage.cluster.piece_size is '2MiB'; expected a size from 64KiB to 1MiB"},
    {"  cluster: {inline_limit: lots}\n", "storage.cluster.inline_limit is 'lots'; expected a size from 0 to 64KiB"},
    {"  gossip: {interval: 5}\n", "storage.gossip.interval is '5'; expected a duration from 50ms to 1m"},
    {"  gossip: {interval: 1 s}\n", "storage.gossip.interval is '1 s'; expected a duration from 50ms to 1m"},
    {"  healing: {rate: 1kB}\n", "storage.healing.rate is '1kB'; expected a size from 1MiB to 1TiB"},
    {"  s3: {address: 9000}\n", "storage.s3.address is '9000'; expected ADDRESS:PORT to listen on"},
    {"  s3: {address: \"storage-1:9000\"}\n",
      "storage.s3.address is 'storage-1:9000'; expected ADDRESS:PORT to listen on"},
    {"  s3: {region: US East}\n", "storage.s3.region is 'US East'; expected 1 to 63 of a-z 0-9 -"},
    {"  seeds: [\"0.0.0.0:9101\"]\n", "storage.seeds is '0.0.0.0:9101'; expected a list of HOST:PORT"},
    {"  https: {plain: [s3, web]}\n",
      "storage.https.plain is 'web'; expected a list of s3, console, directory, files, s3db and shards"},
    {"  https: {plain: s3}\n", "storage.https.plain is 's3'; expected a list of s3, console"},
    {"  tls: {ca: \"\"}\n", "storage.tls.ca is ''; expected the path of a PEM file"},
  };
  for (const auto& [lines, message] : bad)
    CHECK_THAT(refused(lines), Catch::StartsWith(std::string{"t.yaml:2: "} + message));

  const std::pair<const char*, const char*> bad_nodes[] = {
    {"id: Node", "storage.nodes[0].id is 'Node'; expected 1 to 63 of a-z 0-9 . _ -"},
    {"id: -a", "storage.nodes[0].id is '-a'; expected 1 to 63 of a-z 0-9 . _ -"},
    {"id: ../a", "storage.nodes[0].id is '../a'; expected 1 to 63 of a-z 0-9 . _ -"},
    {"address: \":9101\"", "storage.nodes[0].address is ':9101'; expected HOST:PORT where other nodes reach it"},
    {"address: \"0.0.0.0:9101\"", "storage.nodes[0].address is '0.0.0.0:9101'; expected HOST:PORT"},
    {"address: \"a:0\"", "storage.nodes[0].address is 'a:0'; expected HOST:PORT"},
    {"address: \"10.0.0:9101\"", "storage.nodes[0].address is '10.0.0:9101'; expected HOST:PORT"},
    {"weight: 101", "storage.nodes[0].weight is '101'; expected a whole number from 0 to 100"},
    {"roles: []", "storage.nodes[0].roles is an empty list; expected a list of coordinator, storage and metadata"},
    {"roles: [store]", "storage.nodes[0].roles is 'store'; expected a list of coordinator, storage and metadata"},
    {"roles: [storage, storage]",
      "storage.nodes[0].roles is 'storage'; expected a list of coordinator, storage and metadata"},
    {"data_dir: ", "storage.nodes[0].data_dir is nothing; expected a directory"},
  };
  for (const auto& [line, message] : bad_nodes)
    CHECK_THAT(
      refused_nodes(std::string{"    - "} + line + "\n"), Catch::StartsWith(std::string{"t.yaml:3: "} + message));
}

TEST_CASE("a node without what it must have is refused with the line it begins on") {
  CHECK(refused_nodes("    - id: a\n      address: localhost\n") ==
    "t.yaml:3: storage.nodes[0] has no data_dir; expected id, address and data_dir");
  CHECK(refusal("storage:\n  mode: local\n") ==
    "t.yaml:1: storage has no nodes; expected a list of nodes, each with id, address and data_dir");
  CHECK(
    refusal("storage:\n  nodes: []\n").starts_with("t.yaml:2: storage.nodes is an empty list; expected a list of 1"));
}

TEST_CASE("two nodes with one id, address, directory or port are refused with both lines") {
  const std::string a = "    - {id: a, address: localhost:1, data_dir: /a}\n";
  CHECK(refused_nodes(a + "    - {id: a, address: localhost:2, data_dir: /b}\n") ==
    "t.yaml:4: storage.nodes[1].id is 'a', as at t.yaml:3; expected one of its own for every node");
  CHECK(refused_nodes(a + "    - {id: b, address: LocalHost:1, data_dir: /b}\n") ==
    "t.yaml:4: storage.nodes[1].address is 'localhost:1', as at t.yaml:3; expected one of its own for every node");
  CHECK(refused_nodes(a + "    - {id: b, address: localhost:2, data_dir: /a}\n")
          .starts_with("t.yaml:4: storage.nodes[1].data_dir is '/a', as at t.yaml:3, on the same machine"));
  CHECK(refused_nodes(a + "    - {id: b, address: localhost:2, data_dir: /b}\n") ==
    "t.yaml:4: nodes a and b are on one machine, and both listen for s3 on 127.0.0.1:9000; expected another `s3` for "
    "one of them");
  CHECK(refused_nodes(a + "    - {id: b, address: localhost:2, data_dir: /b,\n       s3: \":9000\"}\n")
          .starts_with("t.yaml:5: nodes a and b are on one machine"));
  CHECK(refused_nodes(a + "    - {id: b, address: localhost:2, data_dir: /b, roles: [storage]}\n")
          .starts_with("t.yaml:4: nodes a and b are on one machine, and both listen for console on 127.0.0.1:9001"));
}

TEST_CASE("keys that do not fit together are refused") {
  CHECK(refused("  cluster:\n    replica_count: 5\n    write_quorum: 2\n") ==
    "t.yaml:4: storage.cluster.write_quorum is '2'; expected 3, the one value that is supported with a replica_count "
    "of 5");
  CHECK(refused("  cluster:\n    erasure: {data: 16, parity: 5}\n") ==
    "t.yaml:3: storage.cluster.erasure has 16 data and 5 parity pieces; expected at most 20 together");
  CHECK(refused("  gossip:\n    interval: 4s\n") ==
    "t.yaml:3: storage.gossip.suspect_timeout is 5000ms and storage.gossip.interval 4000ms; expected the first to be "
    "at "
    "least 2 times the second");
  CHECK(refused("  metadata: {heartbeat: 500ms}\n")
          .starts_with("t.yaml:2: storage.metadata.election_timeout is 1000ms and"));
  CHECK(refused("  metadata: {members: [b]}\n") ==
    "t.yaml:2: storage.metadata.members names 'b', which is no node of the list; expected nodes with that role");
  CHECK(refused("  metadata: {members: [a, b]}\n")
          .starts_with("t.yaml:2: storage.metadata.members has 2 nodes; expected 1, 3 or 5"));
  CHECK(refused_nodes("    - {id: a, address: localhost, data_dir: /d, roles: [metadata, storage]}\n") ==
    "t.yaml:2: no node has the role coordinator; expected one at least");
}

TEST_CASE("without all of tls only loopback is accepted") {
  CHECK(refused_nodes("    - {id: a, address: 10.0.0.7, data_dir: /d}\n")
          .starts_with(
            "t.yaml:3: storage.nodes[0].address is '10.0.0.7:9101'; without tls expected an address on loopback"));
  CHECK(refused("  seeds: [storage-1]\n").starts_with("t.yaml:2: storage.seeds is 'storage-1:9101'; without tls"));
  for (auto fine : {"localhost", "127.0.0.9", "\"[::1]\""})
    CHECK(refused_nodes(std::string{"    - {id: a, address: "} + fine + ", data_dir: /d}\n") == "accepted");
  CHECK(refused("  tls: {ca: /ca.pem, key: /a.key}\n")
          .find("storage.tls has no certificate; expected ca, certificate and key") != std::string::npos);
}

TEST_CASE("what is no YAML, or another document, is refused with a line") {
  CHECK_THAT(refusal("storage:\n  nodes: [\n"), Catch::StartsWith("t.yaml:3: is not YAML: "));
  CHECK_THAT(refusal("storage:\n\tnodes: 1\n"), Catch::StartsWith("t.yaml:2: is not YAML: "));
  CHECK_THAT(refusal("storage: " + std::string(200'000, '[')), Catch::StartsWith("t.yaml:1: is not YAML: "));
  CHECK(refusal("") == "t.yaml:1: the file is nothing; expected one mapping under the key storage");
  CHECK(refusal("hello\n") == "t.yaml:1: the file is 'hello'; expected one mapping under the key storage");
  CHECK(refusal("- a\n") == "t.yaml:1: the file is a list; expected one mapping under the key storage");
  CHECK(refusal("storage:\n") == "t.yaml:1: storage is nothing; expected a mapping of keys to values");
  CHECK(refusal("# x\nStorage: {}\n") ==
    "t.yaml:2: 'Storage' is not known at the top; expected everything under the one key storage");
  CHECK(
    refusal("a: 1\n---\nb: 2\n") == "t.yaml:1: the file holds 2 YAML documents; expected one, with the key storage");
}

TEST_CASE("no message about a configuration shows a secret") {
  for (auto lines :
    {"  credentials: {access_key: abc, secret_key: hunter2}\n", "  credentials: {secret_key: hunter2-long}\n",
      "  credentials: {access_key: abc, secret_key: [hunter2-long]}\n",
      "  credentials: {access_key: abc, secret_key: *hunter2}\n",
      "  credentials: {access_key: abc, secret_key: \"hunter2}\n",
      "  credentials: {access_key: abc, secret_key: hunter2-long}\n  credentials_file: /x\n"}) {
    auto message = refused(lines);
    INFO(message);
    CHECK(message != "accepted");
    CHECK(message.starts_with("t.yaml:"));
    CHECK(message.find("hunter") == std::string::npos);
  }
}
