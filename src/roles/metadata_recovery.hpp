// metadata_recovery: a new metadata group out of one member whose others are lost, by the node's stopped process. See first
// what there is (examine), let a person decide, then found(). docs/decisions/0011-recovering-metadata.md says why it is safe.
#pragma once

#include "actors/raft_remains.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "net/generation.hpp"
#include "roles/cluster_config.hpp"
#include "roles/node_directory.hpp"

#include <string>
#include <vector>

namespace troupe {

class metadata_recovery {
public:
  struct other {
    std::string node;
    std::string answer; // for a person
    bool whole = false; // its member is there, and is of the group
    bool leads = false; // it leads, or knows who does
    std::uint64_t applied = 0;
  };

  // Holds the node's directory from here on, and asks the other members' nodes. ec::conflict: its process runs;
  // ec::not_found: there is no member.
  static result<metadata_recovery> examine(const cluster_config&, const node_id& self);

  const raft_remains& remains() const { return remains_; }
  const std::vector<other>& others() const { return others_; } // the other voters
  const group_generation& generation() const { return data_.generation(); }
  std::size_t majority() const { return (others_.size() + 1) / 2 + 1; }
  std::string place() const { return data_.metadata(); }

  // Why a new group is not needed, or not to be made of this member; empty: nothing speaks against it from here.
  std::string objection() const;

  // Makes this member the only one of a group of the next generation. Durable when it returns; after a failure it may be
  // called again.
  result<group_generation> found();

private:
  metadata_recovery(node_directory d, node_id self) : data_(std::move(d)), self_(std::move(self)) {}
  result<> look();
  result<> ask(const cluster_config&);

  node_directory data_;
  node_id self_;
  raft_remains remains_;
  std::vector<other> others_;
};

} // namespace troupe
