// A shard of small segments on a simulated disk, and what it should have in it.
#pragma once

#include "store/disk.hpp"
#include "volumes/kv_follower.hpp"
#include "volumes/kv_shard.hpp"
#include "volumes/volume_fixture.hpp"

#include <map>
#include <random>
#include <set>
#include <string>

namespace troupe::test {

struct seeded_entropy final : entropy {
  explicit seeded_entropy(std::uint64_t seed) : random(seed) {}
  void fill(std::span<std::byte> out) override {
    for (auto& b : out) b = static_cast<std::byte>(random());
  }
  std::mt19937_64 random;
};

inline const std::string shard_place = "shard-1", log_place = "shard-1/log-1";

// What a key has: its value, and its value in the index `color`.
struct colored {
  std::string value, color;
  friend bool operator==(const colored&, const colored&) = default;
};
using contents = std::map<std::string, colored>;
inline colored some(int n, std::size_t bytes = 300) {
  return {std::to_string(n) + std::string(bytes, 'v'), n % 2 == 0 ? "even" : "odd"};
}
inline std::string key(int n) { return "key" + std::to_string(n); }

inline void add_put(pb::kv_batch& batch, const std::string& key, const colored& c) {
  auto* e = batch.add_entries();
  e->set_key(key);
  e->set_value(c.value);
  auto* x = e->add_indexes();
  x->set_name("color");
  x->set_value(c.color);
}
inline void add_delete(pb::kv_batch& batch, const std::string& key) {
  auto* e = batch.add_entries();
  e->set_key(key);
  e->set_deleted(true);
}
inline pb::kv_batch put_of(const std::string& key, const colored& c) {
  pb::kv_batch batch;
  add_put(batch, key, c);
  return batch;
}
inline pb::kv_batch delete_of(const std::string& key) {
  pb::kv_batch batch;
  add_delete(batch, key);
  return batch;
}

inline std::size_t segments_in(disk& files) { return files.list(log_place + "/wal.segments")->size(); }

// The primary's side of a shard, opened again with the next token.
class primary {
public:
  explicit primary(disk& files, std::uint64_t seed = 1) : files_(files), random_(seed) {
    limits.segment_bytes = 4096;
    lease.hold(1, lease_guard::for_ever);
  }

  result<> open(std::uint64_t token) {
    shard.reset();
    kv_shard_options o;
    o.directory = log_place;
    o.token = token;
    o.lease = &lease;
    o.limits = limits;
    o.random = &random_;
    lease.hold(token, lease_guard::for_ever);
    auto opened = kv_shard::open(files_, std::move(o));
    if (!opened) return std::move(opened).error();
    shard = std::move(*opened);
    return {};
  }
  // Until there is nothing to do. How many segments are gone.
  result<std::uint64_t> compact(double dead_share = 0.5) {
    std::uint64_t gone = 0;
    for (;;) {
      auto step = shard->compact({.dead_share = dead_share, .step_bytes = 1000});
      if (!step) return std::move(step).error();
      gone += step->segments;
      if (!step->more) return gone;
    }
  }

  set_clock clock;
  lease_guard lease{clock};
  kv_limits limits;
  std::unique_ptr<kv_shard> shard;

private:
  disk& files_;
  seeded_entropy random_;
};

// What is wrong with a view of it; empty: nothing.
inline std::string difference(kv_view& view, const contents& expected) {
  contents found;
  std::string after;
  for (;;) {
    auto page = view.scan("", after, 7, 1 << 20);
    if (!page) return "scan: " + page.error().message;
    for (auto& [key, value] : page->rows) found[key].value = value;
    if (!page->more) break;
    after = page->last;
  }
  std::set<std::string> colors;
  for (const auto& [key, c] : expected) colors.insert(c.color);
  for (const auto& color : colors)
    for (const auto& key : view.lookup("color", color, "", 1000)) {
      if (!found.contains(key) || !found[key].color.empty()) return "the index has " + key + " wrongly";
      found[key].color = color;
    }
  if (found != expected) {
    for (const auto& [key, c] : expected)
      if (!found.contains(key)) return key + " is missing";
    for (const auto& [key, c] : found)
      if (!expected.contains(key)) return key + " is there";
    return "a value or an index is wrong";
  }
  for (const auto& [key, c] : expected) {
    auto value = view.get(key);
    if (!value || *value != c.value) return "get of " + key;
  }
  auto facts = view.facts();
  if (facts.keys != expected.size()) return "keys are miscounted";
  if (facts.live_bytes > facts.log_bytes) return "more bytes live than there are";
  return {};
}

} // namespace troupe::test
