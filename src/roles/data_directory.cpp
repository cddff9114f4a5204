#include "roles/data_directory.hpp"

#include "codec/text.hpp"
#include "roles/credentials.hpp"
#include "store/disk.hpp"

#include <charconv>
#include <filesystem>
#include <utility>

namespace troupe {
namespace {

constexpr const char* identity_file = "cluster";

} // namespace

result<> data_directory::identify(unsigned nodes, entropy& random) {
  auto disk = make_posix_disk(path_);
  auto there = disk->exists(identity_file);
  if (!there) return there.error();
  unsigned stored = 0;
  if (*there) {
    auto text = read_file(*disk, identity_file, 4096);
    if (!text) return text.error();
    auto values = parse_credentials(*text);
    auto unreadable = fail(ec::corrupt, path_ + "/" + identity_file + " does not parse; restore it from a backup");
    if (!values) return unreadable;
    cluster_id_ = (*values)["id"];
    const auto& n = (*values)["nodes"];
    auto [end, e] = std::from_chars(n.data(), n.data() + n.size(), stored);
    if (cluster_id_.size() != 32 || e != std::errc{} || stored == 0) return unreadable;
    nodes_before_ = stored;
    if (nodes < stored)
      return fail(ec::bad_argument,
        path_ + " is a store of " + n + " nodes; starting it with " + std::to_string(nodes) +
          " would lose data. Use --nodes " + n);
    auto metadata_there = disk->exists("metadata");
    if (!metadata_there) return metadata_there.error();
    if (!*metadata_there)
      return fail(ec::corrupt,
        metadata() +
          " is missing: it is the only copy of this store's metadata. Restore it from a "
          "backup, or start a new store with another --data");
  } else {
    std::byte raw[16];
    random.fill(raw);
    cluster_id_ = hex_encode(bytes_view{raw});
  }
  if (auto ok = disk->make_directory("metadata"); !ok) return ok; // before the identity: see the check above
  if (nodes == stored) return {};
  auto text = "id = " + cluster_id_ + "\nnodes = " + std::to_string(nodes) + "\n";
  return replace_file(*disk, identity_file, as_bytes(text));
}

result<data_directory> data_directory::open(std::string path, unsigned nodes, entropy& random) {
  auto lock = directory_lock::take(path, "stop it, or use another --data");
  if (!lock) return lock.error();
  data_directory d{std::filesystem::absolute(path).lexically_normal().string(), std::move(*lock)};
  if (auto ok = d.identify(nodes, random); !ok) return ok.error();
  return d;
}

} // namespace troupe
