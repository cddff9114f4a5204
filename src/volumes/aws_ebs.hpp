// aws_ebs: the provider for EBS volumes with multi-attach. attach() has EC2 attach the volume to this machine and waits until
// it is; mounting is the operator's (root, and a cluster file system: ext4 and XFS are destroyed by a second mount), and so
// is detaching. Nobody has run this on AWS: it is tested against a stand-in of EC2's API.
#pragma once

#include "volumes/ec2_client.hpp"
#include "volumes/volume_provider.hpp"

namespace troupe {

struct aws_ebs_options {
  ec2_options ec2;
  std::string volume;   // vol-...
  std::string instance; // i-..., this machine
  std::string device;   // /dev/sdf
  unsigned polls_max = 60;
  std::chrono::milliseconds poll{1000};
};

// attach(): ec::bad_argument: the volume has no multi-attach; ec::timeout: it was not attached in time; ec::not_found: it is
// attached, but nothing is mounted at the path.
std::unique_ptr<volume_provider> make_aws_ebs(aws_ebs_options);

} // namespace troupe
