#include "volumes/shard_manager.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::size_t known_max = 65536;

std::string named(std::uint64_t id) { return "shard " + std::to_string(id); }

shard_manager_options with_clocks(shard_manager_options o) {
  o.snapshots.clock = o.clock;
  o.snapshots.time = o.time;
  return o;
}

} // namespace

shard_manager::shard_manager(
  shard_manager_options o, std::shared_ptr<shard_catalog> catalog, std::vector<std::shared_ptr<volume>> volumes)
    : options_(with_clocks(std::move(o))),
      catalog_(std::move(catalog)),
      volumes_(std::move(volumes)),
      snapshots_(options_.snapshots, volumes_),
      ids_(*catalog_) {}

volume* shard_manager::find_volume(const std::string& id) const {
  auto found = std::ranges::find(volumes_, id, [](const auto& v) { return v->id(); });
  return found == volumes_.end() ? nullptr : found->get();
}

error shard_manager::not_primary(const volume& v) const {
  auto row = v.seen();
  std::string who = "nobody is, at the moment: try again";
  if (!row.holder().empty() && row.holder() != options_.node) who = row.holder() + " at " + row.address() + " is";
  return fail(ec::unavailable, options_.node + " is not the primary of volume " + v.id() + "; " + who);
}

void shard_manager::remember(const pb::kv_shard_row& row, std::uint64_t token) {
  std::lock_guard lock{mutex_};
  if (known_.size() >= known_max) known_.clear();
  known_[row.id()] = {row, token, options_.time->now()};
}

result<pb::kv_shard_row> shard_manager::row_of(const std::string& client, std::uint64_t id) {
  std::optional<pb::kv_shard_row> row;
  {
    std::lock_guard lock{mutex_};
    if (auto k = known_.find(id); k != known_.end()) {
      auto* v = find_volume(k->second.row.volume());
      auto held = v != nullptr ? v->held() : std::nullopt;
      const bool fresh = options_.time->now() - k->second.read <= options_.row_age_max;
      if (held ? held->token() == k->second.token : k->second.token == 0 && fresh) row = k->second.row;
    }
  }
  if (!row) {
    auto token_of = [&](const std::string& volume_id) -> std::uint64_t {
      auto* v = find_volume(volume_id);
      auto held = v != nullptr ? v->held() : std::nullopt;
      return held ? held->token() : 0;
    };
    // The token before the row is read: it may have been another holder's to change it until then.
    std::map<std::string, std::uint64_t> before;
    for (const auto& v : volumes_) before[v->id()] = token_of(v->id());
    auto found = catalog_->find(id);
    if (!found) return std::move(found).error();
    if (!*found) return fail(ec::not_found, "there is no " + named(id));
    row = std::move(**found);
    auto token = before.find(row->volume());
    if (token == before.end())
      return fail(ec::not_found, named(id) + " is on volume " + row->volume() + ", which this node does not have");
    remember(*row, token->second);
  }
  if (row->owner() != client) return fail(ec::access_denied, named(id) + " belongs to another client");
  return std::move(*row);
}

result<pb::kv_shard_row> shard_manager::new_shard(const std::string& client, const std::string& volume_id) {
  volume* chosen = nullptr;
  std::optional<pb::volume_row> held;
  std::uint64_t most = 0;
  if (!volume_id.empty() && find_volume(volume_id) == nullptr)
    return fail(ec::not_found, "this node has no volume " + volume_id);
  for (const auto& v : volumes_) {
    if (!volume_id.empty() && v->id() != volume_id) continue;
    auto row = v->held();
    if (!row) continue;
    auto space = v->space();
    auto room = space ? space->free_bytes : 0;
    if (chosen != nullptr && room <= most) continue;
    chosen = v.get();
    held = std::move(row);
    most = room;
  }
  if (chosen == nullptr) {
    if (volumes_.empty()) return fail(ec::unavailable, "this node has no volumes");
    return not_primary(volume_id.empty() ? *volumes_.front() : *find_volume(volume_id));
  }
  auto id = ids_.next();
  if (!id) return std::move(id).error();
  pb::kv_shard_row row;
  row.set_id(*id);
  row.set_volume(chosen->id());
  row.set_owner(client);
  row.set_state(pb::kv_shard_row::active);
  row.set_created_ms(options_.clock->now());
  TROUPE_TRY(chosen->make_shard(*id));
  TROUPE_TRY(catalog_->insert(row, *held));
  remember(row, held->token());
  return row;
}

result<pb::kv_shard_row> shard_manager::close_shard(const std::string& client, std::uint64_t id) {
  std::lock_guard turn{changing_};
  auto row = row_of(client, id);
  if (!row) return row;
  if (row->state() == pb::kv_shard_row::deleted) return fail(ec::precondition_failed, named(id) + " is deleted");
  auto& v = *find_volume(row->volume());
  auto held = v.held();
  if (!held) return not_primary(v);
  auto shard = v.writable(id);
  if (!shard) return std::move(shard).error();
  TROUPE_TRY((*shard)->make_read_only()); // no write is under way when the row says so
  if (row->state() == pb::kv_shard_row::read_only) return row;
  auto after = *row;
  after.set_state(pb::kv_shard_row::read_only);
  TROUPE_TRY(catalog_->replace(*row, after, *held));
  remember(after, held->token());
  return after;
}

result<pb::kv_shard_row> shard_manager::delete_shard(const std::string& client, std::uint64_t id) {
  std::lock_guard turn{changing_};
  auto row = row_of(client, id);
  if (!row || row->state() == pb::kv_shard_row::deleted) return row;
  auto& v = *find_volume(row->volume());
  auto held = v.held();
  if (!held) return not_primary(v);
  auto after = *row;
  after.set_state(pb::kv_shard_row::deleted);
  after.set_deleted_ms(options_.clock->now());
  TROUPE_TRY(catalog_->replace(*row, after, *held));
  remember(after, held->token());
  return after;
}

result<> shard_manager::put(const std::string& client, std::uint64_t id, const pb::kv_batch& batch) {
  auto row = row_of(client, id);
  if (!row) return std::move(row).error();
  if (row->state() != pb::kv_shard_row::active)
    return fail(ec::precondition_failed,
      named(id) + (row->state() == pb::kv_shard_row::deleted ? " is deleted" : " is read-only"));
  auto& v = *find_volume(row->volume());
  if (!v.held()) return not_primary(v);
  auto shard = v.writable(id);
  if (!shard) return std::move(shard).error();
  return (*shard)->put(batch);
}

result<> shard_manager::remove(const std::string& client, std::uint64_t id, std::span<const std::string* const> keys) {
  pb::kv_batch batch;
  for (const auto* key : keys) {
    auto* e = batch.add_entries();
    e->set_key(*key);
    e->set_deleted(true);
  }
  return put(client, id, batch);
}

result<kv_compacted> shard_manager::compact(const kv_compaction& how) {
  result<kv_compacted> outcome = kv_compacted{};
  for (std::size_t n = 0; n < volumes_.size(); ++n) {
    const auto at = (compacting_ + n) % volumes_.size();
    if (!volumes_[at]->held()) continue;
    auto step = volumes_[at]->compact(how);
    if (step && (step->more || step->moved_bytes != 0)) {
      compacting_ = step->segments == 0 ? at : at + 1;
      return step;
    }
    if (!step && outcome) outcome = std::move(step).error();
  }
  return outcome;
}

result<volume::reading> shard_manager::read(const std::string& client, std::uint64_t id, bool latest) {
  auto row = row_of(client, id);
  if (!row) return std::move(row).error();
  if (row->state() == pb::kv_shard_row::deleted) return fail(ec::precondition_failed, named(id) + " is deleted");
  auto& v = *find_volume(row->volume());
  if (latest && !v.held()) return not_primary(v);
  auto reading = v.readable(id);
  if (reading && latest && !reading->primary) return not_primary(v);
  return reading;
}

result<shard_facts> shard_manager::facts(const std::string& client, std::uint64_t id) {
  auto row = row_of(client, id);
  if (!row) return std::move(row).error();
  shard_facts out;
  out.row = std::move(*row);
  if (out.row.state() == pb::kv_shard_row::deleted) return out;
  auto reading = find_volume(out.row.volume())->readable(id);
  if (!reading) return std::move(reading).error();
  out.content = reading->view->facts();
  out.primary = reading->primary;
  out.age = reading->age;
  return out;
}

result<std::vector<std::uint64_t>> shard_manager::list(
  const std::string& client, std::uint64_t after, std::uint32_t limit) {
  return catalog_->of_client(client, after, limit);
}

result<std::vector<volume_facts>> shard_manager::volumes() {
  std::vector<volume_facts> out;
  for (const auto& v : volumes_) {
    volume_facts f;
    f.row = v->seen();
    f.row.set_id(v->id());
    f.primary = v->held().has_value();
    // Zeros of a directory that can not be read at the moment: others can.
    if (auto shards = v->shards()) f.shards = shards->size();
    f.open_shards = v->open_shards();
    f.content = v->content();
    if (auto space = v->space()) f.space = *space;
    f.counts = v->count();
    f.snapshots = snapshots_.count(v->id());
    f.lag = v->lag();
    if (f.primary) {
      std::lock_guard lock{mutex_};
      if (auto s = states_.find(v->id()); s != states_.end()) f.states = s->second;
    }
    out.push_back(std::move(f));
  }
  return out;
}

result<pb::snapshot_line> shard_manager::snapshot(const std::string& volume_id, const std::string& name) {
  auto* v = find_volume(volume_id);
  if (v == nullptr) return fail(ec::not_found, "this node has no volume " + volume_id);
  if (!v->held()) return not_primary(*v);
  return snapshots_.make(volume_id, name);
}

std::string shard_manager::primary_of(std::uint64_t shard, const std::string& volume_id) {
  auto id = volume_id;
  if (id.empty() && shard != 0) {
    std::lock_guard lock{mutex_};
    if (auto k = known_.find(shard); k != known_.end()) id = k->second.row.volume();
  }
  if (id.empty() && !volumes_.empty()) id = volumes_.front()->id();
  auto* v = find_volume(id);
  auto row = v != nullptr ? v->seen() : pb::volume_row{};
  return row.holder() == options_.node ? std::string{} : row.address();
}

result<std::uint64_t> shard_manager::sweep() {
  std::uint64_t removed = 0;
  for (const auto& v : volumes_) v->follow();
  for (const auto& v : volumes_) {
    auto held = v->held();
    if (!held) continue;
    auto ids = v->shards();
    if (!ids) return std::move(ids).error();
    constexpr std::size_t page = 1000;
    shard_states states;
    for (std::size_t at = 0; at < ids->size(); at += page) {
      std::vector<std::uint64_t> some{ids->begin() + static_cast<std::ptrdiff_t>(at),
        ids->begin() + static_cast<std::ptrdiff_t>(std::min(ids->size(), at + page))};
      auto rows = catalog_->find_all(some);
      if (!rows) return std::move(rows).error();
      for (const auto& row : *rows) {
        if (row.volume() != v->id()) continue;
        if (row.state() == pb::kv_shard_row::active) ++states.active;
        if (row.state() == pb::kv_shard_row::read_only) ++states.read_only;
        if (row.state() != pb::kv_shard_row::deleted) continue;
        if (options_.clock->now() - row.deleted_ms() < options_.delete_grace.count()) {
          ++states.deleted;
          continue;
        }
        TROUPE_TRY(v->remove_shard(row.id()));
        TROUPE_TRY(catalog_->erase(row, *held)); // last: until then the removal is repeated
        std::lock_guard lock{mutex_};
        known_.erase(row.id());
        ++removed;
      }
    }
    std::lock_guard lock{mutex_};
    states_[v->id()] = states;
  }
  return removed;
}

} // namespace troupe
