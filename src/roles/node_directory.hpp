// node_directory: what a cluster node's data directory is: held by one process at a time, and remembering whose it is.
// DIR/lock, DIR/node (name = value lines: cluster, node), DIR/volume (the pieces), DIR/metadata (the Raft member).
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "roles/directory_lock.hpp"

#include <string>

namespace troupe {

class node_directory {
public:
  // Makes it when it is missing. ec::conflict: another process holds it, or it is another node's or another cluster's.
  static result<node_directory> open(const std::string& path, const std::string& cluster, const node_id& node);

  const std::string& path() const { return path_; }
  std::string volume() const { return path_ + "/volume"; }
  std::string metadata() const { return path_ + "/metadata"; }

private:
  node_directory(std::string path, directory_lock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  result<> identify(const std::string& cluster, const node_id& node) const;

  std::string path_;
  directory_lock lock_;
};

} // namespace troupe
