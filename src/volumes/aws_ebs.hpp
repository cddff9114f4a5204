// aws_ebs: the provider for EBS volumes. Two ways, by `filesystem`:
//
//   empty       the volume has multi-attach, and a cluster file system that the operator mounts (root; ext4 and XFS are
//               destroyed by a second mount). attach() has EC2 attach it and waits until it is.
//   ext4, xfs   one instance at a time has the volume: whoever has won the lease. acquire() has it detached from others, attached
//               here and mounted; release() the other way round. Detaching is forced only there, after the lease was won: whoever
//               had the volume before has no lease, and after that no device. A file system is made only on a device that
//               is blank.
//
// Nobody has run this on AWS: it is tested against a stand-in of EC2's API.
#pragma once

#include "volumes/block_mounts.hpp"
#include "volumes/ec2_client.hpp"
#include "volumes/volume_provider.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe {

struct aws_ebs_options {
  ec2_options ec2;
  std::string volume;     // vol-...
  std::string instance;   // i-..., this machine
  std::string device;     // /dev/sdf
  std::string filesystem; // as above
  unsigned polls_max = 60;
  std::chrono::milliseconds poll{1000};
  unsigned polls_until_force = 15;              // how long another instance may take to let it go
  unsigned grow_polls_max = 25;                 // until a new size is there; shorter than who ordered it waits
  std::shared_ptr<block_mounts> mounts;         // with a filesystem
  std::function<void(const std::string&)> told; // what is done, for the log; may be empty
};

// attach(): ec::bad_argument: the volume has no multi-attach (without a filesystem); ec::timeout: it was not attached in time;
// ec::not_found: it is attached, but nothing is mounted at the path; ec::conflict: the path is in use otherwise.
// grow(): ebs_growth.hpp.
// acquire(): also ec::access_denied: this process may not mount; ec::unavailable: the lease was lost meanwhile.
std::unique_ptr<volume_provider> make_aws_ebs(aws_ebs_options);

} // namespace troupe
