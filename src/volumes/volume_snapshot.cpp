#include "volumes/volume_snapshot.hpp"

#include "store/disk.hpp"
#include "store/log_format.hpp"
#include "store/segment_table.hpp"
#include "volumes/volume.hpp"
#include "volumes/volume_provider.hpp"

#include <algorithm>
#include <filesystem>

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr const char* folder = "snapshots";
constexpr const char* facts_file = "facts";          // in each: pb::snapshot_line
constexpr const char* order_file = "restore-to";     // in the root: a snapshot's name
constexpr const char* replaced = "before-restore";   // what the last restore took the place of
constexpr const char* making = "snapshots/.making-"; // no name begins with a dot
constexpr const char* removing = "snapshots/.removing-";
constexpr std::uint64_t facts_bytes_max = 4096;

error failed(const char* what, const fs::path& path, const std::error_code& why) {
  return fail(ec::io_error, std::string{what} + " " + path.string() + ": " + why.message());
}

result<> remove_tree(const std::string& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (problem) return failed("remove", path, problem);
  return {};
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

// Of a log's active segment: any beside the header that it begins with, and the zeros that may follow that.
bool has_records(const std::string& path) {
  std::error_code problem;
  const auto bytes = fs::file_size(path, problem);
  return !problem && bytes >= 2 * log_format::header_bytes;
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

bool is_shard(const fs::path& path) { return path.filename().string().starts_with("shard-"); }

result<std::vector<fs::path>> shards_in(const std::string& directory) {
  std::vector<fs::path> out;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator{directory, problem})
    if (is_shard(entry.path())) out.push_back(entry.path());
  if (problem) return failed("list", directory, problem);
  return out;
}

result<snapshot_facts> link_shards(const std::string& snapshot, disk& files, const std::string& root) {
  auto shards = shards_in(snapshot);
  if (!shards) return std::move(shards).error();
  snapshot_facts facts;
  for (const auto& shard : *shards) {
    std::error_code problem;
    for (const auto& log : fs::directory_iterator{shard, problem}) {
      auto to = shard.filename().string() + "/" + log.path().filename().string() + "/wal.segments";
      TROUPE_TRY(link_segments(log.path() / "wal.segments", files, root, to, facts));
    }
    if (problem) return failed("list", shard, problem);
  }
  TROUPE_TRY(files.sync_directory(""));
  return facts;
}

// Those of a crash.
result<> remove_unfinished(const std::string& root) {
  std::error_code problem;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator{root + "/" + folder, problem})
    if (entry.path().filename().string().starts_with('.')) found.push_back(entry.path());
  if (problem && problem != std::errc::no_such_file_or_directory) return failed("list", root + "/" + folder, problem);
  for (const auto& path : found) TROUPE_TRY(remove_tree(path.string()));
  return {};
}

std::string place_of(const std::string& name) { return std::string{folder} + "/" + name; }

result<> check_name(const std::string& name) {
  if (is_volume_id(name)) return {};
  return fail(ec::bad_argument, "a snapshot's name needs 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit");
}

error no_snapshot(const volume& v, const std::string& name) {
  return fail(ec::not_found, "volume " + v.id() + " has no snapshot " + name);
}

// One that has no facts was made before there were any, or is damaged: it is there, and that is all that is known.
pb::snapshot_line line_of(disk& files, const std::string& name) {
  pb::snapshot_line line;
  auto text = read_file(files, place_of(name) + "/" + facts_file, facts_bytes_max);
  if (!text || !line.ParseFromString(*text)) line.Clear();
  line.set_name(name);
  line.set_state("completed");
  return line;
}

class directory_snapshots final : public snapshot_store {
public:
  result<pb::snapshot_line> make(volume& v, const std::string& name, unix_ms now) override {
    TROUPE_TRY(snapshot_volume(v, name, now));
    return line_of(*make_posix_disk(v.root()), name);
  }

  result<std::vector<pb::snapshot_line>> list(const volume& v) override {
    auto files = make_posix_disk(v.root());
    std::vector<pb::snapshot_line> out;
    auto any = files->exists(folder);
    if (!any) return std::move(any).error();
    if (!*any) return out;
    auto names = files->list(folder);
    if (!names) return std::move(names).error();
    for (const auto& name : *names)
      if (is_volume_id(name)) out.push_back(line_of(*files, name));
    std::ranges::stable_sort(out, {}, [](const auto& line) { return line.made_ms(); });
    return out;
  }

  result<> remove(const volume& v, const std::string& name) override {
    TROUPE_TRY(check_name(name));
    auto files = make_posix_disk(v.root());
    auto there = files->exists(place_of(name));
    if (!there) return std::move(there).error();
    if (!*there) return no_snapshot(v, name);
    const auto aside = removing + name; // all of it is there, or none
    TROUPE_TRY(remove_tree(v.root() + "/" + aside));
    TROUPE_TRY(files->rename(place_of(name), aside));
    TROUPE_TRY(files->sync_directory(folder));
    return remove_tree(v.root() + "/" + aside);
  }

  result<> order_restore(volume& v, const std::string& name) override {
    TROUPE_TRY(check_name(name));
    auto files = make_posix_disk(v.root());
    auto there = files->exists(place_of(name));
    if (!there) return std::move(there).error();
    if (!*there) return no_snapshot(v, name);
    auto ordered = files->exists(order_file);
    if (!ordered) return std::move(ordered).error();
    if (*ordered) return fail(ec::conflict, "a restore of volume " + v.id() + " is under way");
    TROUPE_TRY(remove_tree(v.root() + "/" + replaced)); // of an earlier restore
    TROUPE_TRY(files->make_directory(replaced));
    if (!v.held()) return fail(ec::unavailable, "this node is not the primary of volume " + v.id() + " any more");
    return replace_file(*files, order_file, as_bytes(name));
  }
};

} // namespace

std::unique_ptr<snapshot_store> make_directory_snapshots() { return std::make_unique<directory_snapshots>(); }

result<snapshot_facts> snapshot_volume(volume& v, const std::string& name, unix_ms now) {
  TROUPE_TRY(check_name(name));
  auto held = v.held();
  if (!held) return fail(ec::unavailable, "this node is not the primary of volume " + v.id());
  auto files = make_posix_disk(v.root());
  const auto place = place_of(name), aside = making + name;
  auto there = files->exists(place);
  if (!there) return std::move(there).error();
  if (*there) return fail(ec::conflict, v.root() + "/" + place + " is there already");
  TROUPE_TRY(remove_unfinished(v.root()));
  TROUPE_TRY(files->make_directory(aside));
  auto all = files->list(folder);
  if (!all) return std::move(all).error();
  if (all->size() > snapshots_max)
    return fail(ec::no_space,
      "volume " + v.id() + " has " + std::to_string(snapshots_max) + " snapshots: remove one of them first");
  auto ids = v.shards();
  if (!ids) return std::move(ids).error();
  snapshot_facts facts;
  for (auto id : *ids) {
    const auto log = log_directory(v.shard_directory(id), held->token());
    const auto link = [&] {
      const auto segments = log + "/wal.segments";
      return link_segments(v.root() + "/" + segments, *files, v.root(), aside + "/" + segments, facts);
    };
    // One that is closed, and has nothing but closed segments, is not opened: that would read all of it.
    bool linked = false;
    auto closed = v.while_closed(id, [&]() -> result<> {
      auto made = files->exists(log);
      if (!made) return std::move(made).error();
      linked = !*made; // a directory without a log: of a shard that was never made
      if (linked || has_records(v.root() + "/" + log + "/wal.active")) return {};
      linked = true;
      return link();
    });
    if (!closed) return std::move(closed).error();
    if (linked) continue;
    auto shard = v.writable(id);
    if (!shard) return std::move(shard).error();
    const auto kept = (*shard)->keep_segments(); // compaction goes on when they are linked
    TROUPE_TRY((*shard)->rotate());
    TROUPE_TRY(link());
  }
  pb::snapshot_line line;
  line.set_made_ms(now);
  line.set_shards(facts.shards);
  line.set_files(facts.files);
  line.set_bytes(facts.bytes);
  TROUPE_TRY(replace_file(*files, aside + "/" + facts_file, as_bytes(line.SerializeAsString())));
  auto still = v.held();
  if (!still || still->token() != held->token())
    return fail(ec::unavailable, "volume " + v.id() + " got another primary meanwhile: no snapshot was made");
  TROUPE_TRY(files->rename(aside, place));
  TROUPE_TRY(files->sync_directory(folder));
  return facts;
}

result<snapshot_facts> restore_volume(const std::string& snapshot_directory, const std::string& root) {
  std::error_code problem;
  if (!fs::is_directory(snapshot_directory, problem))
    return fail(ec::not_found, snapshot_directory + " is no directory; expected VOLUME/snapshots/NAME");
  if (!fs::is_directory(root, problem)) return fail(ec::not_found, root + " is no directory: make it first");
  auto there = shards_in(root);
  if (!there) return std::move(there).error();
  if (!there->empty()) return fail(ec::conflict, root + " has shards already: nothing was changed");
  return link_shards(snapshot_directory, *make_posix_disk(root), root);
}

result<> finish_restore(disk& files, const std::string& root) {
  auto ordered = files.exists(order_file);
  if (!ordered) return std::move(ordered).error();
  if (!*ordered) return {};
  auto name = read_file(files, order_file, facts_bytes_max);
  if (!name) return std::move(name).error();
  TROUPE_TRY(check_name(*name));
  const auto from = root + "/" + place_of(*name);
  std::error_code problem;
  if (!fs::is_directory(from, problem))
    return fail(ec::corrupt,
      root + "/" + order_file + " asks for the snapshot " + *name + ", which is not there: remove that file to go on");
  auto shards = shards_in(root);
  if (!shards) return std::move(shards).error();
  for (const auto& shard : *shards) {
    const auto directory = shard.filename().string(), kept = std::string{replaced} + "/" + directory;
    auto moved = files.exists(kept);
    if (!moved) return std::move(moved).error();
    if (*moved) // this one is of the snapshot already, perhaps in part: a crash came
      TROUPE_TRY(remove_tree(shard.string()));
    else
      TROUPE_TRY(files.rename(directory, kept));
  }
  TROUPE_TRY(files.sync_directory(replaced));
  TROUPE_TRY(files.sync_directory(""));
  auto facts = link_shards(from, files, root);
  if (!facts) return std::move(facts).error();
  TROUPE_TRY(files.remove(order_file));
  return files.sync_directory("");
}

} // namespace troupe
