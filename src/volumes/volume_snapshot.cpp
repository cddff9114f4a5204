#include "volumes/volume_snapshot.hpp"

#include "store/disk.hpp"
#include "store/segment_table.hpp"
#include "volumes/volume.hpp"
#include "volumes/volume_provider.hpp"

#include <filesystem>

namespace troupe {
namespace {

namespace fs = std::filesystem;

error failed(const char* what, const fs::path& path, const std::error_code& why) {
  return fail(ec::io_error, std::string{what} + " " + path.string() + ": " + why.message());
}

// A link, or a copy where links can not go.
result<> link_or_copy(const fs::path& from, const fs::path& to, disk& files, const std::string& to_name) {
  std::error_code problem;
  fs::create_hard_link(from, to, problem);
  if (!problem) return {};
  fs::copy_file(from, to, problem);
  if (problem) return failed("copy to", to, problem);
  auto copy = files.open(to_name, disk::open_mode::existing);
  if (!copy) return std::move(copy).error();
  return (*copy)->sync();
}

// Closed segments of one log.
result<> link_segments(
  const fs::path& from, disk& to_disk, const std::string& to_root, const std::string& to, snapshot_facts& facts) {
  TROUPE_TRY(to_disk.make_directory(to));
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator{from, problem}) {
    if (!segment_number(entry.path().filename().string())) continue;
    auto name = to + "/" + entry.path().filename().string();
    TROUPE_TRY(link_or_copy(entry.path(), fs::path{to_root} / name, to_disk, name));
    ++facts.files;
    facts.bytes += fs::file_size(entry.path(), problem);
  }
  if (problem) return failed("list", from, problem);
  ++facts.shards;
  return to_disk.sync_directory(to);
}

} // namespace

result<snapshot_facts> snapshot_volume(volume& v, const std::string& name) {
  if (!is_volume_id(name))
    return fail(ec::bad_argument, "a snapshot's name needs 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit");
  auto held = v.held();
  if (!held) return fail(ec::unavailable, "this node is not the primary of volume " + v.id());
  auto files = make_posix_disk(v.root());
  const auto place = "snapshots/" + name, aside = place + ".making";
  auto there = files->exists(place);
  if (!there) return std::move(there).error();
  if (*there) return fail(ec::conflict, v.root() + "/" + place + " is there already");
  std::error_code problem;
  fs::remove_all(v.root() + "/" + aside, problem); // of one that was interrupted
  if (problem) return failed("remove", v.root() + "/" + aside, problem);
  TROUPE_TRY(files->make_directory(aside));
  auto ids = v.shards();
  if (!ids) return std::move(ids).error();
  snapshot_facts facts;
  for (auto id : *ids) {
    auto shard = v.writable(id);
    if (!shard && shard.error().code == ec::corrupt)
      continue; // a directory without a log: of a shard that was never made
    if (!shard) return std::move(shard).error();
    TROUPE_TRY((*shard)->rotate());
    auto log = log_directory(v.shard_directory(id), held->token()) + "/wal.segments";
    TROUPE_TRY(link_segments(v.root() + "/" + log, *files, v.root(), aside + "/" + log, facts));
  }
  TROUPE_TRY(files->rename(aside, place));
  TROUPE_TRY(files->sync_directory("snapshots"));
  return facts;
}

result<snapshot_facts> restore_volume(const std::string& snapshot_directory, const std::string& root) {
  std::error_code problem;
  if (!fs::is_directory(snapshot_directory, problem))
    return fail(ec::not_found, snapshot_directory + " is no directory; expected VOLUME/snapshots/NAME");
  if (!fs::is_directory(root, problem)) return fail(ec::not_found, root + " is no directory: make it first");
  for (const auto& entry : fs::directory_iterator{root, problem})
    if (entry.path().filename().string().starts_with("shard-"))
      return fail(ec::conflict, root + " has shards already: nothing was changed");
  auto files = make_posix_disk(root);
  snapshot_facts facts;
  for (const auto& shard : fs::directory_iterator{snapshot_directory, problem})
    for (const auto& log : fs::directory_iterator{shard.path(), problem}) {
      auto to = shard.path().filename().string() + "/" + log.path().filename().string() + "/wal.segments";
      TROUPE_TRY(link_segments(log.path() / "wal.segments", *files, root, to, facts));
    }
  if (problem) return failed("list", snapshot_directory, problem);
  TROUPE_TRY(files->sync_directory(""));
  return facts;
}

} // namespace troupe
