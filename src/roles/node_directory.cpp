#include "roles/node_directory.hpp"

#include "roles/credentials.hpp"
#include "store/disk.hpp"

#include <charconv>
#include <filesystem>
#include <map>

namespace troupe {
namespace {

constexpr const char* identity_file = "node";
constexpr std::uint64_t identity_bytes_max = 4096;

constexpr const char* member_file = "metadata/generation";

using named_values = std::map<std::string, std::string>;

result<group_generation> generation_in(named_values& values, const std::string& where) {
  group_generation g;
  const auto& text = values["generation"];
  if (text.empty()) return g;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), g.number);
  g.recovery = values["recovery"];
  if (e != std::errc{} || end != text.data() + text.size() || (g.number != 0 && g.recovery.empty()))
    return fail(ec::corrupt, where + " does not parse: generation");
  return g;
}

std::string lines_of(const group_generation& g) {
  if (g.number == 0) return {};
  return "generation = " + std::to_string(g.number) + "\nrecovery = " + g.recovery + "\n";
}

// Nothing in it when there is no such file.
result<named_values> read_values(disk& files, const std::string& directory, const char* name) {
  auto there = files.exists(name);
  if (!there) return there.error();
  if (!*there) return named_values{};
  auto text = read_file(files, name, identity_bytes_max);
  if (!text) return text.error();
  auto values = parse_credentials(*text);
  if (!values) return fail(ec::corrupt, directory + "/" + name + " does not parse: " + values.error().message);
  return values;
}

const char* word(cluster_mode m) { return m == cluster_mode::local ? "local" : "distributed"; }

} // namespace

result<> node_directory::look() {
  auto disk = make_posix_disk(path_);
  auto there = disk->exists(identity_file);
  if (!there) return there.error();
  is_new_ = !*there;
  auto of_member = member_generation();
  if (!of_member) return of_member.error();
  generation_ = *of_member;
  if (is_new_) return {};
  auto values = read_values(*disk, path_, identity_file);
  if (!values) return values.error();
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
  auto of_node = generation_in(*values, path_ + "/" + identity_file);
  if (!of_node) return of_node.error();
  if (of_node->number >= generation_.number) generation_ = *of_node; // a crash came between the two otherwise
  return {};
}

result<group_generation> node_directory::member_generation() const {
  auto values = read_values(*make_posix_disk(path_), path_, member_file);
  if (!values) return values.error();
  return generation_in(*values, path_ + "/" + member_file);
}

result<> node_directory::set_member_generation(const group_generation& g) {
  auto disk = make_posix_disk(path_);
  TROUPE_TRY(disk->make_directory("metadata"));
  return replace_file(*disk, member_file, as_bytes(lines_of(g)));
}

result<> node_directory::set_generation(const group_generation& g) {
  generation_ = g;
  return write();
}

result<> node_directory::claim() { return is_new_ ? write() : result<>{}; }

result<> node_directory::write() const {
  auto text = "cluster = " + whose_.cluster + "\nnode = " + whose_.node.name + "\n";
  if (whose_.mode == cluster_mode::local) text += "mode = local\n";
  text += lines_of(generation_);
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
