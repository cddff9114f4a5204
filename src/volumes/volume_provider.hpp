// volume_provider: where volumes come from. attach() makes a volume's directory usable by this process; what it gives is
// only a directory and whether other processes may write there as well.
//
//   local-dir   a directory of this machine, for one process at a time (a file lock in it says so)
//   shared-dir  a directory that several processes see with the same content at once (a cluster file system, or one
//               machine): a lease decides who writes. A file in it says which volume it is.
//   aws-ebs     aws_ebs.hpp
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace troupe {

class snapshot_store;

// Of aws-ebs: which volume, and this machine.
struct ebs_config {
  std::string volume, instance, device;         // "vol-...", "i-...", "/dev/sdf"
  std::string region, endpoint;                 // endpoint: empty: AWS's of the region
  std::map<std::string, std::string> instances; // by node, for a configuration that all nodes have
  std::string filesystem; // "ext4", "xfs": of the one node that has it; empty: a cluster file system
  friend bool operator==(const ebs_config&, const ebs_config&) = default;
};

struct volume_config {
  std::string id;       // as is_volume_id()
  std::string provider; // "local-dir", "shared-dir", "aws-ebs"
  std::string path;     // of the directory
  ebs_config ebs = {};
  friend bool operator==(const volume_config&, const volume_config&) = default;
};

// In a volume's directory: its id. What is not there when the volume is not mounted.
inline constexpr const char* volume_name_file = "volume-id";

// What a volume is to become, and what has become of it.
struct wanted_growth {
  std::uint32_t size_gib = 0;
  std::uint32_t iops = 0; // 0: as they are
};
struct grown_volume {
  std::uint32_t size_gib = 0;
  std::string state; // of the provider: optimizing, completed
};

class attached_volume {
public:
  virtual ~attached_volume() = default; // gives it back
  virtual const std::string& root() const = 0;
  virtual bool shared() const = 0; // whether other processes may write there: a lease decides who does
  // Only the holder of the lease has the volume's content below root(), from acquire() to release(). See
  // shard_volume_options.
  virtual bool exclusive() const { return false; }
  virtual result<> acquire(const std::function<bool()>&) { return {}; }
  virtual result<> release() { return {}; }
  // The provider's own snapshots; null: there are none.
  virtual std::shared_ptr<snapshot_store> snapshots() { return nullptr; }
  // On the primary; `mine` as of acquire(). May be repeated, also after a crash in the middle. ec::not_implemented: the provider
  // has no such thing. Beside other calls; may take a minute.
  virtual result<grown_volume> grow(const wanted_growth&, const std::function<bool()>&) {
    return fail(ec::not_implemented,
      "a volume that is a directory is as large as its file system: grow the file system of " + root());
  }
};

class volume_provider {
public:
  virtual ~volume_provider() = default;
  // ec::conflict: another process has it, or the directory is another volume's. ec::not_found: there is no such directory.
  virtual result<std::unique_ptr<attached_volume>> attach(const volume_config&) = 0;
};

// 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit: also the name of a directory.
bool is_volume_id(std::string_view);

bool is_volume_provider(std::string_view name);

// local-dir or shared-dir; ec::bad_argument: no such provider.
result<std::unique_ptr<volume_provider>> make_volume_provider(const std::string& name);

} // namespace troupe
