// data_directory: what a development store's directory is: held by one process at a time, and remembering which store it
// is. DATA/lock, DATA/cluster (name = value lines: id, nodes), DATA/credentials, DATA/metadata, DATA/node-1 ...
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/directory_lock.hpp"

#include <string>

namespace troupe {

class data_directory {
public:
  // Makes the directory when it is missing. ec::conflict: another process holds it. ec::bad_argument: `nodes` is smaller
  // than the store has (data would be lost). ec::corrupt: parts of the store are missing that hold its only copy.
  static result<data_directory> open(std::string path, unsigned nodes, entropy&);
  const std::string& path() const { return path_; }
  const std::string& cluster_id() const { return cluster_id_; } // 32 hex digits
  // How many nodes the store had before this start; 0 at the first one.
  unsigned nodes_before() const { return nodes_before_; }
  std::string metadata() const { return path_ + "/metadata"; }
  std::string volume(const std::string& id) const { return path_ + "/volumes/" + id; } // of shards
  std::string node(unsigned number) const { return path_ + "/node-" + std::to_string(number); }

private:
  data_directory(std::string path, directory_lock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  result<> identify(unsigned nodes, entropy&);

  std::string path_;
  std::string cluster_id_;
  unsigned nodes_before_ = 0;
  directory_lock lock_;
};

} // namespace troupe
