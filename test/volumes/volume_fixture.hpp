// A volume in a directory of its own, a clock that a test sets, and a catalog in memory.
#pragma once

#include "base/environment.hpp"
#include "store/temporary_directory.hpp"
#include "volumes/shard_catalog.hpp"
#include "volumes/volume.hpp"

#include <map>
#include <memory>

namespace troupe::test {

struct set_clock final : monotonic_clock {
  monotonic_time now() const override { return at; }
  monotonic_time at{std::chrono::hours{1}};
};

struct set_wall final : wall_clock {
  unix_ms now() const override { return at; }
  unix_ms at = 1'000'000;
};

inline pb::volume_row row_of(const std::string& holder, std::uint64_t token) {
  pb::volume_row row;
  row.set_id("v");
  row.set_holder(holder);
  row.set_address(holder + ":50051");
  row.set_token(token);
  return row;
}

inline std::shared_ptr<volume> volume_at(const std::string& root, const monotonic_clock& clock, kv_limits limits = {}) {
  shard_volume_options o;
  o.id = "v";
  o.root = root;
  o.shared = true;
  o.clock = &clock;
  o.limits = limits;
  return std::make_shared<volume>(std::move(o));
}

inline pb::kv_batch batch_of(std::initializer_list<std::pair<std::string, std::string>> rows) {
  pb::kv_batch batch;
  for (const auto& [k, v] : rows) {
    auto* e = batch.add_entries();
    e->set_key(k);
    e->set_value(v);
  }
  return batch;
}

class memory_catalog final : public shard_catalog {
public:
  result<std::uint64_t> reserve_ids(std::uint64_t count) override {
    auto first = next;
    next += count;
    return first;
  }
  result<std::optional<pb::kv_shard_row>> find(std::uint64_t id) override {
    auto found = rows.find(id);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }
  result<std::vector<pb::kv_shard_row>> find_all(const std::vector<std::uint64_t>& ids) override {
    std::vector<pb::kv_shard_row> out;
    for (auto id : ids)
      if (auto found = rows.find(id); found != rows.end()) out.push_back(found->second);
    return out;
  }
  result<std::vector<std::uint64_t>> of_client(
    const std::string& client, std::uint64_t after, std::uint32_t limit) override {
    std::vector<std::uint64_t> out;
    for (const auto& [id, row] : rows)
      if (id > after && row.owner() == client && out.size() < limit) out.push_back(id);
    return out;
  }
  result<> insert(const pb::kv_shard_row& row, const pb::volume_row& held) override { return put(row, held); }
  result<> replace(const pb::kv_shard_row&, const pb::kv_shard_row& row, const pb::volume_row& held) override {
    return put(row, held);
  }
  result<> erase(const pb::kv_shard_row& row, const pb::volume_row& held) override {
    TROUPE_TRY(fence(held));
    rows.erase(row.id());
    return {};
  }

  std::uint64_t next = 1;
  std::map<std::uint64_t, pb::kv_shard_row> rows;
  std::optional<pb::volume_row> holder;

private:
  result<> fence(const pb::volume_row& held) const {
    if (holder && holder->SerializeAsString() == held.SerializeAsString()) return {};
    return fail(ec::unavailable, "another primary");
  }
  result<> put(const pb::kv_shard_row& row, const pb::volume_row& held) {
    TROUPE_TRY(fence(held));
    rows[row.id()] = row;
    return {};
  }
};

} // namespace troupe::test
