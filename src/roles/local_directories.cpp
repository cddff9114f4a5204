#include "roles/local_directories.hpp"

#include "roles/credentials.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <map>

namespace troupe {
namespace {

constexpr const char* list_file = "nodes";
constexpr std::uint64_t list_bytes_max = 128 << 10; // a thousand names

} // namespace

std::string local_directories::metadata() const { return held_[metadata_].metadata(); }

// Before anything is written: an empty metadata directory would look like an empty store.
result<> local_directories::check_metadata() const {
  auto known = std::ranges::any_of(held_, [](auto& d) { return !d.is_new(); });
  auto there = make_posix_disk(held_[metadata_].path())->exists("metadata");
  if (!there) return there.error();
  if (*there || !known) return {};
  return fail(ec::corrupt,
    metadata() +
      " is missing: it is the only copy of this store's metadata. Put it back (did the first of metadata.members "
      "change?), or start a new store in other directories");
}

result<> local_directories::remember(const cluster_config& c) {
  auto disk = make_posix_disk(held_[metadata_].path());
  auto there = disk->exists(list_file);
  if (!there) return there.error();
  std::map<std::string, std::string> before;
  if (*there) {
    auto text = read_file(*disk, list_file, list_bytes_max);
    if (!text) return text.error();
    auto values = parse_credentials(*text);
    if (!values) return fail(ec::corrupt, held_[metadata_].path() + "/" + list_file + ": " + values.error().message);
    before = std::move(*values);
  }
  for (auto& [name, role] : before) {
    auto* n = c.find(node_id{name});
    if (n == nullptr || !n->storage)
      return fail(ec::bad_argument,
        "node " + name +
          " holds data of this store, but is no storage node of the list any more: put it back. Mode local "
          "takes more nodes, and moves nothing away from one");
  }
  std::string text;
  for (auto& v : volumes_) {
    v.had_data = before.contains(v.node.name);
    text += v.node.name + " = storage\n";
  }
  if (before.size() == volumes_.size()) return {};
  return replace_file(*disk, list_file, as_bytes(text));
}

result<local_directories> local_directories::open(const cluster_config& c, const std::string& cluster) {
  local_directories all;
  const auto& keeper = c.metadata.members.front();
  for (auto& n : c.nodes) {
    if (!n.storage && n.id != keeper) continue;
    auto held = node_directory::hold(n.data_dir, {.cluster = cluster, .node = n.id, .mode = cluster_mode::local});
    if (!held) return held.error();
    if (n.id == keeper) all.metadata_ = all.held_.size();
    if (n.storage) all.volumes_.push_back({.node = n.id, .path = held->volume()});
    all.held_.push_back(std::move(*held));
  }
  TROUPE_TRY(all.check_metadata());
  TROUPE_TRY(make_posix_disk(all.held_[all.metadata_].path())->make_directory("metadata")); // before any identity
  TROUPE_TRY(all.remember(c));
  for (auto& d : all.held_) TROUPE_TRY(d.claim());
  return all;
}

} // namespace troupe
