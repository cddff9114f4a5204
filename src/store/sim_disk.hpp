// sim_disk: a disk in memory that fails on purpose, every choice drawn from a seed. It remembers what was not synced:
// crash() keeps a random part of it (writes lost, torn, a later one without an earlier one; names that come and go).
// For the tests and simulations of every layer above; knows nothing of logs or records. Thread safe.
#pragma once

#include "store/disk.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace troupe {

struct sim_fault {
  enum class operation {
    read,
    write,
    sync,
    any
  }; // sync: of files and directories; write: also create, truncate, rename, remove
  operation on = operation::any;
  std::string path;                                                // a part of the path; empty: every path
  std::uint64_t after = 0;                                         // that many matching operations succeed first
  std::uint64_t times = std::numeric_limits<std::uint64_t>::max(); // then that many fail
  ec code = ec::io_error;
  // Only reads of a file that touch these bytes.
  std::uint64_t from = 0;
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
};

class sim_disk final : public disk {
public:
  explicit sim_disk(std::uint64_t seed);
  ~sim_disk() override;

  result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode) override;
  result<> make_directory(const std::string& path) override;
  result<std::vector<std::string>> list(const std::string& path) override;
  result<bool> exists(const std::string& path) override;
  result<> rename(const std::string& from, const std::string& to) override;
  result<> remove(const std::string& path) override;
  result<> sync_directory(const std::string& path) override;
  result<disk_space> space() override;

  // Power loss and return: un-synced state is decided by the seed, faults are cleared, every handle opened before is
  // dead (ec::closed).
  void crash();
  // The next n operations that change something succeed; then the power is off: everything fails with ec::closed (the
  // first write or sync after that may still have happened in part) until crash().
  void power_off_after(std::uint64_t operations);
  bool powered_off() const;
  std::uint64_t operations() const; // that changed something, so far

  // A failed sync leaves it to the seed which writes reach the disk; a later successful sync does not bring the others
  // back, though reads show them until the crash, as on Linux.
  void add_fault(sim_fault);
  void clear_faults();
  void set_capacity(std::uint64_t bytes); // of all files; a write beyond it stops midway with ec::no_space

  // Silent damage, of the synced and the visible content.
  void flip_bit(const std::string& path, std::uint64_t offset, unsigned bit);
  void overwrite(const std::string& path, std::uint64_t offset, bytes_view); // durable at once; extends; makes the file
  std::string content(const std::string& path) const;                        // empty when it is not there

  struct impl;

private:
  std::shared_ptr<impl> impl_;
};

} // namespace troupe
