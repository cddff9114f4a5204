#include "actors/volume_manager.hpp"
#include "store/temporary_directory.hpp"
#include "support/actor_fixture.hpp"

#include <caf/actor_registry.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace troupe;

namespace {

struct volume_fixture : actor_fixture {
  volume_options options(const std::string& node = "node-1", const std::string& cluster = "c1") {
    volume_options o;
    o.node = node;
    o.cluster = cluster;
    o.directory = directory.path() + "/node-1";
    o.detached = false;
    o.store.segment_bytes = 64 << 10;
    return o;
  }
  // Declared before the actors end: the files must outlive them.
  test::temporary_directory directory;
  volume_manager_actor manager;
  shard_actor start(volume_options o) {
    auto m = spawn_volume_manager(system, std::move(o));
    REQUIRE(m.has_value());
    manager = *m;
    auto a = ask<shard_actor>(manager, shards_atom::value);
    run();
    return a.value();
  }
  void end() {
    stop(manager);
    manager = nullptr;
  }
  static wire<pb::piece_id> piece(std::uint32_t n) {
    pb::piece_id p;
    p.set_data_id(std::string(16, 'i'));
    p.set_piece(n);
    return wire{p};
  }
  void put(const shard_actor& s, std::uint32_t n, const std::string& bytes) {
    auto a = ask(s, append_atom::value, piece(n), chunk::copy_of(bytes));
    auto b = ask(s, sync_atom::value);
    run();
    REQUIRE(a.ok());
    REQUIRE(b.ok());
  }
  result<std::string> get(const shard_actor& s, std::uint32_t n) {
    auto a = ask<chunk>(s, read_atom::value, piece(n));
    run();
    if (!a.ok()) return a.outcome().error();
    return std::string{a.value().text()};
  }
};

} // namespace

TEST_CASE("a volume is opened again by its node with all it holds, and its actors end with the manager") {
  volume_fixture fx;
  fx.run();
  auto before = fx.system.registry().running();
  auto s = fx.start(fx.options());
  fx.put(s, 0, "kept");
  s = nullptr;
  fx.end();
  REQUIRE(fx.system.registry().running() == before);
  REQUIRE(fx.get(fx.start(fx.options()), 0).value() == "kept");
  fx.end();
}

TEST_CASE("a volume of another node or another cluster is refused, and the error says whose it is") {
  volume_fixture fx;
  fx.start(fx.options());
  fx.end();
  auto other_node = spawn_volume_manager(fx.system, fx.options("node-2"));
  REQUIRE(other_node.error().code == ec::conflict);
  REQUIRE(other_node.error().message.find("node-1") != std::string::npos);
  auto other_cluster = spawn_volume_manager(fx.system, fx.options("node-1", "c2"));
  REQUIRE(other_cluster.error().code == ec::conflict);
  REQUIRE(other_cluster.error().message.find("c1") != std::string::npos);
  std::ofstream{fx.options().directory + "/volume"} << "format = 9\n";
  REQUIRE(spawn_volume_manager(fx.system, fx.options()).error().code == ec::incompatible);
  std::filesystem::remove(fx.options().directory + "/volume");
  REQUIRE(spawn_volume_manager(fx.system, fx.options()).error().code == ec::conflict); // a log, and nobody's
}

TEST_CASE("an index that is gone, or can not be opened, is made anew from the log") {
  volume_fixture fx;
  fx.put(fx.start(fx.options()), 0, "kept");
  fx.end();
  auto index = fx.options().directory + "/index";
  std::filesystem::remove_all(index);
  auto s = fx.start(fx.options());
  REQUIRE(fx.get(s, 0).value() == "kept");
  fx.put(s, 1, "more");
  s = nullptr;
  fx.end();
  for (auto& file : std::filesystem::directory_iterator(index)) {
    std::filesystem::resize_file(file.path(), 0);
    std::ofstream{file.path()} << std::string(20'000, 'x');
  }
  s = fx.start(fx.options());
  REQUIRE(fx.get(s, 0).value() == "kept");
  REQUIRE(fx.get(s, 1).value() == "more");
  REQUIRE(std::filesystem::exists(index + ".damaged-1"));
  s = nullptr;
  fx.end();
}

TEST_CASE("a volume that comes back empty starts empty") {
  volume_fixture fx;
  fx.put(fx.start(fx.options()), 0, "lost with the disk");
  fx.end();
  std::filesystem::remove_all(fx.options().directory);
  auto o = fx.options();
  o.had_data = true;
  auto s = fx.start(o);
  REQUIRE(fx.get(s, 0).error().code == ec::not_found);
  fx.put(s, 0, "repaired");
  REQUIRE(fx.get(s, 0).value() == "repaired");
  s = nullptr;
  fx.end();
}
