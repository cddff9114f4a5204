#include "support/cluster_configs.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* one_node = R"(storage:
  nodes:
    - {id: node-1, address: "127.0.0.1", data_dir: "/data/{node}"}
)";

std::vector<std::string> names(const std::vector<node_id>& ids) {
  std::vector<std::string> all;
  for (const auto& id : ids) all.push_back(id.name);
  return all;
}

} // namespace

TEST_CASE("a configuration of one node alone has every default") {
  auto c = parsed(one_node);
  CHECK(c.mode == cluster_mode::distributed);
  CHECK_FALSE(c.self);
  CHECK(c.cluster == redundancy_config{});
  CHECK(c.gossip == gossip_config{});
  CHECK(c.healing == healing_config{});
  CHECK(c.files == files_config{});
  CHECK(c.metadata.heartbeat == 100ms);
  CHECK(c.metadata.election_timeout == 1s);
  CHECK(names(c.metadata.members) == std::vector<std::string>{"node-1"});
  CHECK(c.region == "us-east-1");
  CHECK(c.upload_memory_bytes == 192u << 20);
  CHECK_FALSE(c.tls);
  CHECK_FALSE(c.faults);
  CHECK(c.keys.access_key.empty());
  REQUIRE(c.nodes.size() == 1);
  const auto& n = c.nodes[0];
  CHECK(to_string(n.address) == "127.0.0.1:9101");
  CHECK(n.data_dir == "/data/node-1");
  CHECK((n.coordinator && n.storage && n.metadata));
  CHECK(n.weight == 1);
  CHECK(to_string(n.s3) == "127.0.0.1:9000");
  CHECK(to_string(n.console) == "127.0.0.1:9001");
}

TEST_CASE("every value is read where it belongs, with units") {
  auto c = parsed(three_nodes(R"(  mode: distributed
  cluster: {replica_count: 5, erasure: {data: 4, parity: 2}, inline_limit: 4kB, piece_size: 1MiB}
  s3: {address: "[::1]:0", region: eu-1}
  console: {address: "localhost:80"}
  gossip: {interval: 500ms, suspect_timeout: 2s, dead_timeout: 1.5m}
  metadata: {members: [n2], heartbeat: 50ms, election_timeout: 300ms}
  healing: {delay: 0s, rate: 10MB, reclaim_grace: 2m, compare_interval: 2h, orphan_grace: 3h,
    sweep_interval: 4h, scrub_rate: 1MiB, scrub_interval: 5h}
  files: {wal_segment: 4KiB, wal_segments_kept: 3, cache: 0, verify_interval: 90s}
  memory: {uploads: 1GiB}
  tls: {ca: /ca.pem, certificate: "/{node}/{node}.pem", key: "/{node}.key"}
  credentials: {access_key: someone, secret_key: 1234567890}
  faults: enabled
  seeds: ["Storage-9", "[fd00::7]:9102"]
)"));
  CHECK(c.cluster.replica_count == 5);
  CHECK(c.cluster.write_quorum == 3);
  CHECK(c.cluster.erasure_data == 4);
  CHECK(c.cluster.inline_limit_bytes == 4000);
  CHECK(c.cluster.piece_bytes == 1 << 20);
  CHECK(to_string(c.s3) == "[::1]:0");
  CHECK(to_string(c.console) == "127.0.0.1:80");
  CHECK(c.region == "eu-1");
  CHECK(c.gossip == gossip_config{500ms, 2s, 90s});
  CHECK(names(c.metadata.members) == std::vector<std::string>{"n2"});
  CHECK(c.metadata.election_timeout == 300ms);
  CHECK(c.healing == healing_config{0s, 10'000'000, 120s, 7200s, 3h, 4h, 1 << 20, 5h});
  CHECK(c.files == files_config{4096, 3, 0, 90s});
  CHECK(c.upload_memory_bytes == 1u << 30);
  CHECK(c.tls_of(node_id{"n3"}) == tls_files{"/ca.pem", "/n3/n3.pem", "/n3.key"});
  CHECK(c.keys.secret_key == "1234567890");
  CHECK(c.faults);
  REQUIRE(c.seeds.size() == 2);
  CHECK(to_string(c.seeds[0]) == "storage-9:9101");
  CHECK(to_string(c.seeds[1]) == "[fd00::7]:9102");
}

TEST_CASE("the configuration of seed 000 is read as it stands, once nothing crosses the network") {
  const std::string seed = R"(# config/storage.yaml
storage:
  mode: distributed          # "local" or "distributed"

  coordinator:
    address: ":9100"

  cluster:
    replica_count: 3         # copies per object
    write_quorum: 2          # W for success
    read_quorum: 1           # R for consistency
    virtual_nodes: 150       # per physical node

  gossip:
    interval: 1s
    suspect_timeout: 5s
    dead_timeout: 30s

  nodes:
    - id: node-1
      address: "storage-1:9101"
      data_dir: "/data/storage"
    - id: node-2
      address: "storage-2:9101"
      data_dir: "/data/storage"
    - id: node-3
      address: "storage-3:9101"
      data_dir: "/data/storage"
)";
  CHECK(refusal(seed).starts_with(
    "t.yaml:21: storage.nodes[0].address is 'storage-1:9101'; without tls expected an address "
    "on loopback, such as 127.0.0.1:9101: make certificates with `troupe ca`"));
  auto c = parsed(seed,
    {.ca = {"ca.pem", "--tls-ca"}, .certificate = {"{node}.pem", "--tls-cert"}, .key = {"{node}.key", "--tls-key"}});
  CHECK(to_string(c.nodes[2].s3) == "0.0.0.0:9100");
  CHECK(c.find(node_id{"node-2"})->address == host_port{"storage-2", 9101});
  CHECK(c.find(node_id{"node-4"}) == nullptr);
}

TEST_CASE("the front door is at s3.address, else coordinator.address, and a node's own address beats both") {
  auto text = three_nodes("  coordinator: {address: \":9100\"}\n  s3: {address: \":9200\"}\n");
  auto c = parsed(text);
  CHECK(to_string(c.s3) == "0.0.0.0:9200");
  CHECK(to_string(c.nodes[0].s3) == "0.0.0.0:9001");
  auto one =
    parsed("storage:\n  coordinator: {address: \":9100\"}\n  nodes: [{id: a, address: localhost, data_dir: /d}]\n");
  CHECK(to_string(one.nodes[0].s3) == "0.0.0.0:9100");
}

TEST_CASE("the default metadata members are the first 1, 3 or 5 nodes with that role") {
  for (auto [nodes, members] : {std::pair{1, 1}, {2, 1}, {3, 3}, {4, 3}, {5, 5}, {6, 5}, {7, 5}}) {
    std::string text = "storage:\n  mode: local\n  nodes:\n    - {id: first, address: localhost:1, data_dir: /f, "
                       "roles: [storage, coordinator]}\n";
    for (int n = 0; n < nodes; ++n)
      text += "    - {id: n" + std::to_string(n) + ", address: localhost:" + std::to_string(100 + n) +
        ", data_dir: \"/d/{node}\", roles: [metadata]}\n";
    auto c = parsed(text);
    CHECK(c.metadata.members.size() == static_cast<std::size_t>(members));
    CHECK(c.metadata.members.front().name == "n0");
  }
}

TEST_CASE("in local mode all nodes are in one process, need no tls, and share the front doors") {
  std::string text = "storage:\n  mode: local\n  nodes:\n    - {id: a, address: a, data_dir: \"/d/{node}\"}\n"
                     "    - {id: b, address: b, data_dir: \"/d/{node}\"}\n";
  CHECK(parsed(text).mode == cluster_mode::local);
  CHECK(refusal(text, {.node = {"a", "--node"}}) ==
    "--node is 'a', but mode is local: all nodes are in one process; drop --node, or set mode to distributed");
  CHECK(refusal("storage:\n  mode: local\n  nodes:\n    - {id: a, address: a, data_dir: /d}\n    - {id: b, address: b, "
                "data_dir: /d}\n") ==
    "t.yaml:5: storage.nodes[1].data_dir is '/d', as at t.yaml:4, on the same machine; expected one of its own, such "
    "as "
    "/data/{node}");
}

TEST_CASE("https has two files, of each node its own if they say so, and covers the front doors that are not plain") {
  CHECK_FALSE(parsed(one_node).https.on());
  auto c = parsed(
    three_nodes("  https: {certificate: \"/{node}.pem\", key: /all.key, plain: [console, shards], refresh: 1m}\n"));
  CHECK(c.https.covers("s3"));
  CHECK(c.https.covers("directory"));
  CHECK_FALSE(c.https.covers("console"));
  CHECK_FALSE(c.https.covers("shards"));
  CHECK(c.https.refresh == 60s);
  CHECK(c.https_of(node_id{"n2"}).certificate == "/n2.pem");
  CHECK(c.https_of(node_id{"n2"}).key == "/all.key");
  CHECK(parsed(three_nodes("  https: {certificate: a, key: b}\n"),
          {.https_certificate = {"c", "--https-cert"}, .https_key = {"d", "TROUPE_HTTPS_KEY"}})
          .https_of(node_id{"n1"})
          .certificate == "c");
  CHECK(refusal(three_nodes("  https: {key: b}\n")) ==
    "t.yaml:2: storage.https has no certificate; expected certificate and key, or neither");
  CHECK(refusal(three_nodes(), {.https_certificate = {"c", "--https-cert"}}) ==
    "--https-cert: storage.https has no key; expected certificate and key, or neither");
}

TEST_CASE("a certificate without an authority is the front doors' in local mode, and the node's in a cluster") {
  const config_overrides given{.certificate = {"c.pem", "--tls-cert"}, .key = {"k.pem", "--tls-key"}};
  auto c = parsed(three_nodes("  mode: local\n"), given);
  CHECK(c.https.certificate == "c.pem");
  CHECK(c.https.key == "k.pem");
  CHECK_FALSE(c.tls);
  auto all_here = given;
  all_here.node = {"-1", "--node"};
  CHECK(parsed(three_nodes(), all_here).https.certificate == "c.pem");
  CHECK(refusal(three_nodes(), given) ==
    "t.yaml:2: storage.tls has no ca; expected ca, certificate and key, or no tls at all (what clients see is "
    "https.certificate and https.key)");
  auto with_authority = all_here;
  with_authority.ca = {"ca.pem", "--tls-ca"};
  CHECK(refusal(three_nodes(), with_authority).starts_with("--tls-ca: storage.tls.ca is given, but mode is local"));
}

TEST_CASE("local mode refuses what would mean nothing in one process") {
  auto local = [](const std::string& more) {
    return refusal("storage:\n" + more + "  mode: local\n  nodes: [{id: a, address: a, data_dir: /a, weight: 0}]\n");
  };
  auto advice = "; drop it, or set mode to distributed and start a process a node";
  CHECK(local("  tls: {ca: a, certificate: b, key: c}\n") ==
    std::string{"t.yaml:2: storage.tls.ca is given, but mode is local: nodes in one process do not connect to each "
                "other"} +
      advice);
  CHECK(local("  seeds: [localhost]\n") ==
    std::string{"t.yaml:2: storage.seeds is given, but mode is local: there is nobody to join"} + advice);
  CHECK(local("  faults: enabled\n") ==
    std::string{"t.yaml:2: storage.faults is given, but mode is local: there are no connections to cut"} + advice);
  CHECK(local("") == "t.yaml:3: every storage node has weight 0; expected one at least that takes data");
}

TEST_CASE("the keys of clients come from the configuration or its file, and there are no default ones") {
  auto none = cluster_credentials(parsed(one_node));
  REQUIRE(none.has_error());
  CHECK(none.error().code == ec::not_found);
  CHECK(none.error().message.find("TROUPE_SECRET_KEY") != std::string::npos);
  auto given = cluster_credentials(parsed(three_nodes("  credentials: {access_key: abc, secret_key: 12345678}\n")));
  REQUIRE(given.has_value());
  CHECK(given->secret_key == "12345678");

  char path[] = "/tmp/troupe-test-XXXXXX";
  ::close(::mkstemp(path));
  auto c = parsed(three_nodes(std::string{"  credentials_file: "} + path + "\n"));
  std::ofstream{path} << "# keys\naccess_key = abc\nsecret_key = 12345678\n";
  CHECK(cluster_credentials(c).value() == *given);
  std::ofstream{path} << "access_key = abc\nsecret_key = 1234567\n";
  auto short_one = cluster_credentials(c);
  REQUIRE(short_one.has_error());
  CHECK(short_one.error().message.find(path) == 0);
  CHECK(short_one.error().message.find("1234567") == std::string::npos);
  std::remove(path);
  CHECK(
    cluster_credentials(c).error().message.starts_with(std::string{path} + ": no such file; set TROUPE_ACCESS_KEY"));
}

TEST_CASE("a file that is not there, or no file, is named") {
  auto missing = load_cluster_config("/nonexistent/cluster.yaml");
  REQUIRE(missing.has_error());
  CHECK(missing.error().code == ec::not_found);
  CHECK(missing.error().message ==
    "/nonexistent/cluster.yaml: no such file; give a cluster configuration; config/reference.yaml explains every key");
  auto directory = load_cluster_config("/tmp");
  REQUIRE(directory.has_error());
  CHECK(directory.error().message.starts_with("/tmp: is a directory"));
}

TEST_CASE("a node binds its actor port to its address, unless it says where it listens") {
  auto c =
    parsed("storage:\n  nodes:\n    - {id: a, address: localhost, data_dir: /a}\n"
           "    - {id: b, address: localhost:1, listen: \"127.0.0.1:2\", data_dir: /b, console: \":1\", s3: \":2\"}\n");
  CHECK(c.nodes[0].listen == host_port{"localhost", 9101});
  CHECK(c.nodes[1].address == host_port{"localhost", 1});
  CHECK(c.nodes[1].listen == host_port{"127.0.0.1", 2});
  auto node = [](const char* address, const char* listen) {
    return std::string{"storage:\n  nodes:\n    - {id: a, data_dir: /a, address: "} + address +
      ",\n       listen: " + listen + "}\n";
  };
  auto expected =
    "; expected ADDRESS:PORT to bind its actor port to, such as 10.0.0.7:9101 or :9101; with a port of its "
    "own, not 0";
  CHECK(refusal(node("localhost", "\":0\"")) == std::string{"t.yaml:4: storage.nodes[0].listen is ':0'"} + expected);
  CHECK(refusal(node("localhost", "storage-1:9101")) ==
    std::string{"t.yaml:4: storage.nodes[0].listen is 'storage-1:9101'"} + expected);
  // Without certificates neither of the two may leave the machine.
  auto advice =
    "'; without tls expected an address on loopback, such as 127.0.0.1:9101: make certificates with `troupe "
    "ca` and set tls.ca, tls.certificate and tls.key";
  CHECK(refusal(node("localhost", "\":9101\"")) ==
    std::string{"t.yaml:4: storage.nodes[0].listen is '0.0.0.0:9101"} + advice);
  CHECK(refusal(node("storage-1", "\"127.0.0.1:9101\"")) ==
    std::string{"t.yaml:3: storage.nodes[0].address is 'storage-1:9101"} + advice);
  CHECK(refusal(
          "storage:\n  nodes:\n    - {id: a, address: localhost:1, data_dir: /a, s3: \":1\", console: \":2\"}\n"
          "    - {id: b, address: localhost:2, data_dir: /b,\n       listen: \"127.0.0.1:3\"}\n"
          "    - {id: c, address: localhost:3, data_dir: /c, s3: \":3\", console: \":4\",\n       listen: \":3\"}\n") ==
    "t.yaml:7: nodes b and c are on one machine, and both bind their actor port to 0.0.0.0:3; expected another "
    "`listen` "
    "for one of them");
}

TEST_CASE("a key of the files front door is set as if it stood in a file, with the same bounds") {
  files_config files;
  REQUIRE(set_files_key(files, "files.cache", {.value = "1MiB", .origin = "--files-cache"}));
  REQUIRE(set_files_key(files, "files.verify_interval", {.value = "2s", .origin = "--files-verify-interval"}));
  CHECK(files == files_config{1u << 20, 16, 1u << 20, 2s});
  auto bad = set_files_key(files, "files.wal_segment", {.value = "1KiB", .origin = "--files-wal-segment"});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message == "--files-wal-segment is '1KiB'; expected a size from 4KiB to 4MiB");
  CHECK(files.segment_bytes == 1u << 20);
}

TEST_CASE("volumes of shards have snapshots now and then, and EBS volumes an instance for each node") {
  CHECK(parsed(one_node).shards == shards_config{});
  const auto with = [](const std::string& keys) { return three_nodes("  shards: {" + keys + "}\n"); };
  auto c = parsed(with("snapshot_interval: 90s, snapshot_keep: 3"));
  CHECK(c.shards.snapshot_interval == 90s);
  CHECK(c.shards.snapshot_keep == 3);
  CHECK(parsed(with("snapshot_interval: off")).shards.snapshot_interval == 0ms);
  CHECK(refusal(with("snapshot_interval: 10ms")).find("off, or a duration from 1s") != std::string::npos);
  CHECK(refusal(with("snapshot_keep: 0")).find("snapshot_keep") != std::string::npos);
  const auto ebs = [&](const std::string& keys) {
    return with("volumes: [{id: v, provider: aws-ebs, path: /mnt/v, nodes: [n1, n2], ebs: {volume: vol-1, device: "
                "/dev/sdf, region: eu-central-1, " +
      keys + "}}]");
  };
  auto one = parsed(ebs("instance: i-1")).shards.volumes.at(0).volume.ebs;
  CHECK(one.instance == "i-1");
  CHECK(one.filesystem.empty());
  auto many = parsed(ebs("instance: {n1: i-1, n2: i-2}, filesystem: ext4")).shards.volumes.at(0).volume.ebs;
  CHECK(many.instances == std::map<std::string, std::string>{{"n1", "i-1"}, {"n2", "i-2"}});
  CHECK(many.filesystem == "ext4");
  CHECK(refusal(ebs("instance: i-1, filesystem: vfat")) != "accepted");
  CHECK(refusal(ebs("filesystem: ext4")) != "accepted");
  CHECK(refusal(ebs("instance: {n1: []}")) != "accepted");
}
