#include "roles/node_directory.hpp"

#include "roles/credentials.hpp"
#include "store/disk.hpp"

#include <filesystem>

namespace troupe {
namespace {

constexpr const char* identity_file = "node";
constexpr std::uint64_t identity_bytes_max = 4096;

} // namespace

result<> node_directory::identify(const std::string& cluster, const node_id& node) const {
  auto disk = make_posix_disk(path_);
  auto there = disk->exists(identity_file);
  if (!there) return there.error();
  if (!*there)
    return replace_file(*disk, identity_file, as_bytes("cluster = " + cluster + "\nnode = " + node.name + "\n"));
  auto text = read_file(*disk, identity_file, identity_bytes_max);
  if (!text) return text.error();
  auto values = parse_credentials(*text);
  if (!values) return fail(ec::corrupt, path_ + "/" + identity_file + " does not parse: " + values.error().message);
  if ((*values)["cluster"] != cluster)
    return fail(ec::conflict,
      path_ + " belongs to cluster " + (*values)["cluster"] + ", this configuration makes cluster " + cluster +
        ": is cluster.name another one?");
  if ((*values)["node"] != node.name)
    return fail(ec::conflict, path_ + " belongs to node " + (*values)["node"] + ", not " + node.name);
  return {};
}

result<node_directory> node_directory::open(const std::string& path, const std::string& cluster, const node_id& node) {
  auto lock = directory_lock::take(path, "stop it: a node is one process");
  if (!lock) return lock.error();
  node_directory d{std::filesystem::absolute(path).lexically_normal().string(), std::move(*lock)};
  if (auto ok = d.identify(cluster, node); !ok) return ok.error();
  return d;
}

} // namespace troupe
