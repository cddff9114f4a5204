// ebs_growth: has EC2 give an EBS volume another size or more IOPS, waits until the size is there, and grows the file system that
// is mounted from it. May be repeated, also by another process: what EC2 was asked for already is not asked for again.
#pragma once

#include "volumes/aws_ebs.hpp"

#include <functional>
#include <string>

namespace troupe {

// For who has the lease; without a filesystem in the options the file system is left to the operator. `mine` as of
// attached_volume::acquire().
//
// Before anything is changed: ec::bad_argument: it would not grow; ec::not_implemented, ec::not_found: this machine can not grow
// such a file system; ec::unavailable: it is not mounted here. Then: ec::conflict: EC2 changes it already, or did lately;
// ec::unavailable: the lease was lost; ec::timeout: not there yet: to be repeated.
result<grown_volume> grow_ebs(
  const aws_ebs_options&, const std::string& path, const wanted_growth&, const std::function<bool()>& mine);

} // namespace troupe
