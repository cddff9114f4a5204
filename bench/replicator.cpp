// Uploads and downloads through the replicator over five real shards on one disk (TROUPE_BENCH_DIR, default: the current directory), with
// threads as in a process: what an object costs below HTTP and metadata, by object and piece size.
#include "actors/replicator.hpp"
#include "actors/volume_manager.hpp"
#include "core/placement.hpp"
#include "core/stripe.hpp"

#include <benchmark/benchmark.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace {

using namespace troupe;

constexpr std::size_t nodes = 5;

struct node_config : caf::actor_system_config {
  node_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-throughput", std::size_t{50});
    register_messages(*this);
  }
};

struct cluster {
  cluster() {
    auto base = std::getenv("TROUPE_BENCH_DIR");
    directory = std::string{base ? base : "."} + "/bench_replicator_XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) throw std::runtime_error("cannot make " + directory);
    replicator_options o;
    std::vector<ring_node> ring_nodes;
    caf::scoped_actor self{system};
    for (std::size_t i = 0; i < nodes; ++i) {
      volume_options v;
      v.node = "node-" + std::to_string(i);
      v.cluster = "bench";
      v.directory = directory + "/" + v.node;
      auto manager = spawn_volume_manager(system, v);
      if (!manager) throw std::runtime_error(manager.error().message);
      managers.push_back(*manager);
      self->request(*manager, caf::infinite, shards_atom::value)
        .receive([&](const shard_actor& s) { o.cluster.nodes.emplace_back(node_id{v.node}, s); },
          [](const caf::error& e) { throw std::runtime_error(from_caf(e).message); });
      ring_nodes.push_back({{v.node}, "", 1});
    }
    o.cluster.places = ring{ring_nodes};
    o.random = &system_entropy();
    replicator = spawn_replicator(system, std::move(o));
  }
  ~cluster() {
    caf::anon_send_exit(replicator, caf::exit_reason::user_shutdown);
    for (auto& m : managers) caf::anon_send_exit(m, caf::exit_reason::user_shutdown);
    replicator = nullptr;
    managers.clear();
    system.await_all_actors_done();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  template <class T, class... Ts>
  T call(caf::scoped_actor& self, Ts&&... xs) {
    T out{};
    self->request(std::forward<Ts>(xs)...)
      .receive(
        [&](T& x) { out = std::move(x); }, [](const caf::error& e) { throw std::runtime_error(from_caf(e).message); });
    return out;
  }
  pb::extent put(caf::scoped_actor& self, const chunk& content, stripe_geometry g) {
    upload_options what;
    what.size = content.size();
    what.geometry = g;
    auto session = call<upload_actor>(self, replicator, caf::infinite, upload_atom::value, what);
    std::size_t at = 0;
    for (auto r : stripe_layout{g, content.size()}.ranges(0, content.size())) {
      self->request(session, caf::infinite, write_atom::value, content.slice(at, r.length))
        .receive([] {}, [](const caf::error& e) { throw std::runtime_error(from_caf(e).message); });
      at += r.length;
    }
    return call<upload_summary>(self, session, caf::infinite, finish_atom::value).extent;
  }
  void get(caf::scoped_actor& self, const pb::extent& extent) {
    auto session = call<download_actor>(self, replicator, caf::infinite, download_atom::value, wire{extent},
      std::uint64_t{0}, extent.size(), trace_context{});
    std::uint64_t got = 0;
    for (;;) {
      auto c = call<chunk>(self, session, caf::infinite, next_atom::value);
      if (c.empty()) break;
      got += c.size();
    }
    if (got != extent.size()) throw std::runtime_error("short download");
  }
  void remove(caf::scoped_actor& self, const pb::extent& extent) {
    self->request(replicator, caf::infinite, remove_atom::value, wire{extent})
      .receive([] {}, [](const caf::error& e) { throw std::runtime_error(from_caf(e).message); });
  }

  node_config config;
  caf::actor_system system{config};
  std::string directory;
  std::vector<volume_manager_actor> managers;
  replicator_actor replicator;
};

cluster& shared_cluster() {
  static cluster c;
  return c;
}

chunk content_of(std::size_t bytes) {
  return chunk::make(bytes, [](std::byte* p, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) p[i] = static_cast<std::byte>(i * 131 + i / 251);
  });
}

// Arguments: object KiB, piece KiB.
void put(benchmark::State& state) {
  auto& c = shared_cluster();
  caf::scoped_actor self{c.system};
  auto content = content_of(static_cast<std::size_t>(state.range(0)) << 10);
  auto g =
    default_geometry({nodes, nodes}, content.size(), {.piece_bytes = static_cast<std::uint32_t>(state.range(1)) << 10});
  for (auto _ : state) {
    auto extent = c.put(self, content, g);
    state.PauseTiming();
    c.remove(self, extent);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 1024);
}

void get(benchmark::State& state) {
  auto& c = shared_cluster();
  caf::scoped_actor self{c.system};
  auto content = content_of(static_cast<std::size_t>(state.range(0)) << 10);
  auto extent = c.put(self, content,
    default_geometry(
      {nodes, nodes}, content.size(), {.piece_bytes = static_cast<std::uint32_t>(state.range(1)) << 10}));
  for (auto _ : state) c.get(self, extent);
  state.SetBytesProcessed(state.iterations() * state.range(0) * 1024);
  c.remove(self, extent);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->Args({32, 512});
  for (auto object_kib : {1024, 15 * 1024})
    for (auto piece_kib : {128, 256, 512, 1024}) b->Args({object_kib, piece_kib});
}

BENCHMARK(put)->Apply(sizes)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(put)->Args({32, 512})->Args({1024, 512})->ThreadRange(4, 16)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get)->Apply(sizes)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get)->Args({1024, 512})->ThreadRange(4, 16)->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
