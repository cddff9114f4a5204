// piece_volume: a volume on a simulated disk for tests of the piece store, and what its owner does beside it: syncs and
// checkpoints.
#pragma once

#include "store/piece_store.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <string>

namespace troupe {

inline data_id id_of(std::uint64_t n) {
  data_id id;
  for (std::size_t i = 0; i < 8; ++i) id.raw[i] = id.raw[15 - i] = static_cast<std::byte>(n >> (8 * i));
  return id;
}

inline std::string content_of(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random{seed};
  std::string out(n, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

// A shard's volume: outlives the store, as a disk outlives a process.
struct volume {
  explicit volume(std::uint64_t seed) : files(seed) {}
  sim_disk files;
  std::shared_ptr<state_base> index = make_memory_base();
  piece_store_options options = [] {
    piece_store_options o;
    o.directory = "shard";
    o.segment_bytes = 8192;
    o.replay_bytes_max = 20'000;
    o.overlay_bytes_max = 20'000;
    return o;
  }();
  std::unique_ptr<piece_store> open() {
    auto store = piece_store::open(files, options, index);
    REQUIRE(store);
    REQUIRE((*store)->check());
    return std::move(*store);
  }
};

inline result<> sync(piece_store& s) {
  auto ticket = s.prepare_sync();
  auto outcome = ticket.run();
  s.synced(ticket, outcome);
  return outcome;
}

inline result<> checkpoint(piece_store& s) {
  auto run = s.begin_checkpoint();
  auto outcome = sync(s);
  if (outcome) outcome = run();
  s.end_checkpoint(outcome);
  return outcome;
}

} // namespace troupe
