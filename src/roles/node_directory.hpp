// node_directory: what a cluster node's data directory is: held by one process at a time, and remembering whose it is.
// DIR/lock, DIR/node (name = value lines: cluster, node; mode when that is local; generation and recovery when the
// metadata group is not the first), DIR/volume (the pieces), DIR/metadata (the Raft member, and in the file generation which
// group it is of).
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "net/generation.hpp"
#include "roles/cluster_config.hpp"
#include "roles/directory_lock.hpp"

#include <string>

namespace troupe {

struct node_identity {
  std::string cluster; // its id
  node_id node;
  cluster_mode mode = cluster_mode::distributed; // a directory that was used in one mode is of no use in the other
};

class node_directory {
public:
  // Makes it when it is missing, and remembers whose it is. ec::conflict: another process holds it, or it is another
  // node's or another cluster's, or was used in another mode.
  static result<node_directory> open(const std::string& path, const node_identity&);

  // The two halves of open(), for who has to look at several directories before the first is written to.
  static result<node_directory> hold(const std::string& path, const node_identity&);
  result<> claim();

  bool is_new() const { return is_new_; } // when it was held: it belonged to nobody
  // Of the metadata group that this node takes part in, as far as it has heard.
  const group_generation& generation() const { return generation_; }
  result<> set_generation(const group_generation&); // durable on return
  // The same of the member in DIR/metadata.
  result<group_generation> member_generation() const;
  result<> set_member_generation(const group_generation&);

  const std::string& path() const { return path_; }
  std::string volume() const { return path_ + "/volume"; }
  std::string metadata() const { return path_ + "/metadata"; }

private:
  node_directory(std::string path, node_identity whose, directory_lock lock)
      : path_(std::move(path)), whose_(std::move(whose)), lock_(std::move(lock)) {}
  result<> look();
  result<> write() const;

  std::string path_;
  node_identity whose_;
  directory_lock lock_;
  group_generation generation_;
  bool is_new_ = true;
};

} // namespace troupe
