#include "volumes/snapshot_keeper.hpp"

#include "volumes/volume.hpp"

#include <algorithm>

namespace troupe {

snapshot_keeper::snapshot_keeper(snapshot_keeper_options o, std::vector<std::shared_ptr<volume>> volumes)
    : options_(std::move(o)) {
  for (auto& v : volumes) {
    auto found = options_.stores.find(v->id());
    auto store = found == options_.stores.end() ? nullptr : found->second;
    if (!store) store = make_directory_snapshots();
    auto id = v->id();
    volumes_.emplace(std::move(id),
      std::unique_ptr<kept>{
        new kept{.volume = std::move(v), .store = std::move(store), .schedule = snapshot_schedule{options_.schedule}}});
  }
}

result<snapshot_keeper::kept*> snapshot_keeper::find(const std::string& volume_id) {
  auto found = volumes_.find(volume_id);
  if (found == volumes_.end()) return fail(ec::not_found, "this node has no volume " + volume_id);
  if (!found->second->volume->held())
    return fail(ec::unavailable, "this node is not the primary of volume " + volume_id);
  return found->second.get();
}

void snapshot_keeper::saw(kept& k, const std::vector<pb::snapshot_line>& there) {
  std::lock_guard lock{count_mutex_};
  k.count.newest = 0;
  for (const auto& line : there) k.count.newest = std::max<unix_ms>(k.count.newest, line.made_ms());
  k.looked = true;
}

result<pb::snapshot_line> snapshot_keeper::make(kept& k, const std::string& name, bool regular) {
  auto made = k.store->make(*k.volume, name, options_.clock->now());
  std::lock_guard lock{count_mutex_};
  if (made) k.count.newest = std::max<unix_ms>(k.count.newest, made->made_ms());
  // A name that is taken, or wrong, is the operator's mistake.
  const bool asked_wrong =
    !regular && !made && (made.error().code == ec::conflict || made.error().code == ec::bad_argument);
  if (!asked_wrong) ++(made ? k.count.made : k.count.failed);
  return made;
}

result<pb::snapshot_line> snapshot_keeper::make(const std::string& volume_id, const std::string& name) {
  auto k = find(volume_id);
  if (!k) return std::move(k).error();
  std::lock_guard turn{(*k)->turn};
  return make(**k, name, false);
}

result<std::vector<pb::snapshot_line>> snapshot_keeper::list(const std::string& volume_id) {
  auto k = find(volume_id);
  if (!k) return std::move(k).error();
  auto there = (*k)->store->list(*(*k)->volume);
  if (there) saw(**k, *there);
  return there;
}

result<> snapshot_keeper::remove(const std::string& volume_id, const std::string& name) {
  auto k = find(volume_id);
  if (!k) return std::move(k).error();
  std::lock_guard turn{(*k)->turn};
  return (*k)->store->remove(*(*k)->volume, name);
}

result<> snapshot_keeper::order_restore(const std::string& volume_id, const std::string& name) {
  auto k = find(volume_id);
  if (!k) return std::move(k).error();
  std::lock_guard turn{(*k)->turn};
  return (*k)->store->order_restore(*(*k)->volume, name);
}

void snapshot_keeper::tick() {
  for (auto& [id, k] : volumes_) tick(*k);
}

void snapshot_keeper::tick(kept& k) {
  if (!k.volume->held()) {
    std::lock_guard lock{count_mutex_};
    k.count.newest = 0;
    k.looked = false;
    return;
  }
  const auto now = options_.time->now();
  if (!k.schedule.may_be_due(now)) {
    std::lock_guard lock{count_mutex_};
    if (k.looked) return;
  }
  std::lock_guard turn{k.turn};
  const auto name = snapshot_schedule::name_of(options_.clock->now());
  const auto failed = [&](const error& e) {
    {
      std::lock_guard lock{count_mutex_};
      ++k.count.failed;
      k.looked = true; // the schedule says when again
    }
    k.schedule.tried(false, now);
    if (options_.told) options_.told(k.volume->id(), name, &e);
  };
  auto there = k.store->list(*k.volume);
  if (!there) {
    if (k.schedule.on()) failed(there.error());
    return;
  }
  saw(k, *there);
  if (!k.schedule.may_be_due(now) || !k.schedule.due(*there, options_.clock->now(), now)) return;
  auto made = make(k, name, true);
  k.schedule.tried(made.has_value(), now);
  if (!made) { // the old ones stay until there is a new one
    const auto why = made.error();
    if (options_.told) options_.told(k.volume->id(), name, &why);
    return;
  }
  if (options_.told) options_.told(k.volume->id(), name, nullptr);
  there->push_back(std::move(*made));
  for (const auto& old : k.schedule.too_many(*there))
    if (auto removed = k.store->remove(*k.volume, old); !removed) return failed(removed.error());
}

snapshot_keeper::counts snapshot_keeper::count(const std::string& volume_id) const {
  auto found = volumes_.find(volume_id);
  std::lock_guard lock{count_mutex_};
  return found == volumes_.end() ? counts{} : found->second->count;
}

} // namespace troupe
