// block_mounts: what it takes of the operating system to have a file system from a block device at a directory. An interface,
// so that a test needs no disk and no privilege. Thread safe; calls wait.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

class block_mounts {
public:
  virtual ~block_mounts() = default;
  // The block device of an EBS volume that is attached to this machine: by the serial number that NVMe devices of EBS have,
  // which is the volume's id, else by the name that was asked for ("/dev/sdf", or "/dev/xvdf"). Nothing: not there (yet).
  virtual result<std::optional<std::string>> find(const std::string& volume, const std::string& asked) = 0;
  // Nothing was ever written to it: its first and its last MiB are zeros.
  virtual result<bool> is_blank(const std::string& device) = 0;
  // Only a blank one (else ec::conflict, and nothing is changed).
  virtual result<> format(const std::string& device, const std::string& filesystem) = 0;
  enum class state { nothing, this_device, another };
  virtual result<state> mounted(const std::string& device, const std::string& path) = 0; // device empty: any is another
  // ec::access_denied: this process may not mount (CAP_SYS_ADMIN).
  virtual result<> mount(const std::string& device, const std::string& path, const std::string& filesystem) = 0;
  // ec::unavailable: files there are open. `anyway`: those keep what they have, and the directory is free.
  virtual result<> unmount(const std::string& path, bool anyway) = 0;
  virtual result<std::uint64_t> size(const std::string& device) = 0; // bytes
  // Whether grow() could. ec::not_implemented: not such a file system; ec::not_found: its program is not on this machine;
  // ec::access_denied: this process may not (CAP_SYS_ADMIN for xfs, CAP_SYS_RESOURCE for ext4).
  virtual result<> can_grow(const std::string& filesystem) = 0;
  // The file system of the device, mounted at the path, to the size of the device. Harmless when it has that size.
  virtual result<> grow(const std::string& device, const std::string& path, const std::string& filesystem) = 0;
};

struct linux_mounts_options {
  std::string devices = "/dev", system = "/sys", process = "/proc/self"; // where these are
  std::function<void(std::chrono::milliseconds)> wait;
};
std::unique_ptr<block_mounts> make_linux_mounts(linux_mounts_options);

} // namespace troupe
