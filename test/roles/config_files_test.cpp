// The files under config/: what they promise is what the parser does.
#include "roles/cluster_config.hpp"
#include "roles/cluster_config_keys.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

using namespace troupe;

namespace {

std::string file_of(const std::string& name) {
  return (std::filesystem::path{TROUPE_SOURCE_DIR} / "config" / name).lexically_normal().string();
}

std::string text_of(const std::string& name) {
  std::ifstream in{file_of(name)};
  REQUIRE(in);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A key that is commented out begins right after the '#'; prose has a blank there.
std::string with_commented_keys(const std::string& text) {
  return std::regex_replace(text, std::regex{"(^|\n)( *)#([a-z0-9_]+:)"}, "$1$2$3");
}

void collect(const YAML::Node& y, const std::string& path, std::set<std::string>& keys) {
  if (y.IsMap()) {
    for (const auto& entry : y)
      collect(entry.second, (path.empty() ? "" : path + ".") + entry.first.as<std::string>(), keys);
  } else if (path == "nodes") {
    for (const auto& node : y) collect(node, path + "[]", keys);
  } else {
    keys.insert(path);
  }
}

} // namespace

TEST_CASE("every example configuration is accepted for each of its nodes") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{file_of(".")}) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    INFO(entry.path());
    auto c = load_cluster_config(entry.path().string());
    if (!c) FAIL(c.error().message);
    for (const auto& n : c->nodes) {
      auto one = load_cluster_config(entry.path().string(), {.node = {n.id.name, "--node"}});
      if (!one) FAIL(one.error().message);
      CHECK(one->self == n.id);
    }
  }
  CHECK(files >= 4);
}

TEST_CASE("the examples are the clusters they say they are") {
  auto cluster = load_cluster_config(file_of("cluster.yaml"));
  REQUIRE(cluster.has_value());
  CHECK(cluster->nodes.size() == 3);
  CHECK(cluster->metadata.members.size() == 3);
  CHECK(cluster->tls_of(node_id{"node-2"})->key == "/etc/troupe/node-2.key");
  auto erasure = load_cluster_config(file_of("erasure.yaml"));
  REQUIRE(erasure.has_value());
  CHECK(erasure->nodes.size() == 5);
  CHECK(erasure->metadata.members.size() == 5);
  CHECK(erasure->nodes[4].zone == "zone-c");
  auto split = load_cluster_config(file_of("split.yaml"));
  REQUIRE(split.has_value());
  auto with = [&](auto role) { return std::ranges::count_if(split->nodes, role); };
  CHECK(with(&node_config::metadata) == 3);
  CHECK(with(&node_config::storage) == 5);
  CHECK(with(&node_config::coordinator) == 2);
}

TEST_CASE("the reference has every key that the parser knows, and no other") {
  std::set<std::string> there;
  collect(YAML::Load(with_commented_keys(text_of("reference.yaml")))["storage"], "", there);
  std::set<std::string> known;
  for (auto& key : config::known_keys()) known.insert(std::move(key));
  CHECK(there == known);
}

TEST_CASE("each default that the reference states is the parser's") {
  auto reference = load_cluster_config(file_of("reference.yaml"));
  REQUIRE(reference.has_value());
  auto defaults = parse_cluster_config(
    "storage: {nodes: [{id: node-1, address: '127.0.0.1', data_dir: '/data/{node}'}]}", "defaults");
  REQUIRE(defaults.has_value());
  CHECK(reference->cluster == defaults->cluster);
  CHECK(reference->nodes == defaults->nodes);
  CHECK(*reference == *defaults);
}

TEST_CASE("what the reference shows for keys without a default is acceptable") {
  auto text = with_commented_keys(text_of("reference.yaml"));
  auto c = parse_cluster_config(std::regex_replace(text, std::regex{"\n *credentials_file:[^\n]*"}, "\n"), "reference");
  if (!c) FAIL(c.error().message);
  CHECK(c->tls.has_value());
  CHECK(c->https.on());
  CHECK_FALSE(c->keys.secret_key.empty());
}
