// local_directories: the data directories of a cluster whose nodes are all in one process (mode local): held, checked
// together before the first of them is written to, and remembering which nodes there were.
//
// The metadata has one copy, in the directory of the first metadata member: DIR/metadata, beside DIR/nodes (ID = storage
// lines). Every other node is DIR/volume. A node may be added to the list; one that holds data may not be taken out.
#pragma once

#include "base/error.hpp"
#include "roles/cluster_config.hpp"
#include "roles/node_directory.hpp"

#include <string>
#include <vector>

namespace troupe {

class local_directories {
public:
  struct volume {
    node_id node;
    std::string path;
    bool had_data = false; // the node was there at an earlier start
  };

  // ec::conflict: another process holds one, or one is somebody else's. ec::corrupt: the metadata is missing beside nodes
  // that had data. ec::bad_argument: a node that had data is not in the list any more.
  static result<local_directories> open(const cluster_config&, const std::string& cluster);

  const std::vector<volume>& volumes() const { return volumes_; } // as the configuration lists the nodes
  std::string metadata() const;                                   // the directory of its one copy

private:
  result<> check_metadata() const;
  result<> remember(const cluster_config&);

  std::vector<node_directory> held_;
  std::size_t metadata_ = 0; // in held_
  std::vector<volume> volumes_;
};

} // namespace troupe
