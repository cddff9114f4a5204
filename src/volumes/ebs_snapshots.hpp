// ebs_snapshots: snapshots of an EBS volume as EC2 makes them, of the whole device, elsewhere than on it: they outlive its loss.
// Named by tags. What was acknowledged before the call is in it, since that was fsynced.
#pragma once

#include "volumes/ec2_client.hpp"
#include "volumes/volume_snapshot.hpp"

#include <memory>
#include <string>

namespace troupe {

// `ebs_volume`: vol-...
std::unique_ptr<snapshot_store> make_ebs_snapshots(ec2_options, std::string ebs_volume);

} // namespace troupe
