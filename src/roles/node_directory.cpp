#include "roles/node_directory.hpp"

#include "roles/credentials.hpp"
#include "store/disk.hpp"

#include <filesystem>

namespace troupe {
namespace {

constexpr const char* identity_file = "node";
constexpr std::uint64_t identity_bytes_max = 4096;

const char* word(cluster_mode m) { return m == cluster_mode::local ? "local" : "distributed"; }

} // namespace

result<> node_directory::look() {
  auto disk = make_posix_disk(path_);
  auto there = disk->exists(identity_file);
  if (!there) return there.error();
  is_new_ = !*there;
  if (is_new_) return {};
  auto text = read_file(*disk, identity_file, identity_bytes_max);
  if (!text) return text.error();
  auto values = parse_credentials(*text);
  if (!values) return fail(ec::corrupt, path_ + "/" + identity_file + " does not parse: " + values.error().message);
  if ((*values)["cluster"] != whose_.cluster)
    return fail(ec::conflict,
      path_ + " belongs to cluster " + (*values)["cluster"] + ", this configuration makes cluster " + whose_.cluster +
        ": is cluster.name another one?");
  if ((*values)["node"] != whose_.node.name)
    return fail(ec::conflict, path_ + " belongs to node " + (*values)["node"] + ", not " + whose_.node.name);
  auto mode = (*values)["mode"] == "local" ? cluster_mode::local : cluster_mode::distributed;
  if (mode != whose_.mode)
    return fail(ec::conflict,
      path_ + " was filled in mode " + word(mode) + " and is of no use in mode " + word(whose_.mode) +
        ": keep the mode, or give another data_dir");
  return {};
}

result<> node_directory::claim() {
  if (!is_new_) return {};
  auto text = "cluster = " + whose_.cluster + "\nnode = " + whose_.node.name + "\n";
  if (whose_.mode == cluster_mode::local) text += "mode = local\n";
  return replace_file(*make_posix_disk(path_), identity_file, as_bytes(text));
}

result<node_directory> node_directory::hold(const std::string& path, const node_identity& whose) {
  auto lock = directory_lock::take(path, "stop it: a node is one process");
  if (!lock) return lock.error();
  node_directory d{std::filesystem::absolute(path).lexically_normal().string(), whose, std::move(*lock)};
  TROUPE_TRY(d.look());
  return d;
}

result<node_directory> node_directory::open(const std::string& path, const node_identity& whose) {
  auto d = hold(path, whose);
  if (d) TROUPE_TRY(d->claim());
  return d;
}

} // namespace troupe
