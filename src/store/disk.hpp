// disk: the file operations that the store needs, behind an interface, so that a crash is a test parameter.
// posix_disk.cpp is the real one; sim_disk.hpp loses, tears and reorders what was not synced, flips bits, and answers
// EIO or ENOSPC, all from a seed. Paths are relative to the disk's root. Every error names the file.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

// An open file. Thread safe: reads, writes at disjoint offsets, and syncs may run at the same time.
class disk_file {
public:
  virtual ~disk_file() = default;
  // All of `out`, or an error (ec::corrupt when the file ends first).
  virtual result<> read_at(std::uint64_t offset, bytes_span out) const = 0;
  // All of the buffers, one after the other. ec::no_space when the disk is full; what was written then is undefined.
  virtual result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) = 0;
  // fdatasync: what was written before the call is on disk after it.
  virtual result<> sync() = 0;
  virtual result<> truncate(std::uint64_t bytes) = 0;
  // Its users see it empty. What it held may stay on the disk, behind whatever is written from now on, until truncate()
  // cuts it off; its blocks stay the file's, which is what makes this cheaper than truncate(0).
  virtual result<> start_over() { return truncate(0); }
  virtual result<std::uint64_t> size() const = 0;
  // Its writer goes, though readers and syncs may still hold it: what it has in memory is written now or never.
  virtual void detach() {}
};

struct disk_space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

class disk {
public:
  virtual ~disk() = default;
  enum class open_mode { existing, create }; // create: makes it, or opens it when it is there
  virtual result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode) = 0;
  // The same, for a file that is mostly appended to and rarely read back soon: writes pass by the page cache where the
  // file system has it (O_DIRECT), from a buffer of 2 MiB. Until truncate() cuts them off, up to 4095 zeros may lie
  // behind the end on the disk. One such open file at a time for a path.
  virtual result<std::shared_ptr<disk_file>> open_direct(const std::string& path, open_mode mode) {
    return open(path, mode);
  }
  virtual result<> make_directory(const std::string& path) = 0; // with parents; fine when it is there; durable
  virtual result<std::vector<std::string>> list(const std::string& path) = 0; // names, sorted
  virtual result<bool> exists(const std::string& path) = 0;
  virtual result<> rename(const std::string& from, const std::string& to) = 0; // durable after sync_directory
  virtual result<> remove(const std::string& path) = 0;                        // a file; fine when it is not there
  virtual result<> sync_directory(const std::string& path) = 0;
  virtual result<disk_space> space() = 0;
};

// The real disk, rooted at a directory that must exist.
std::unique_ptr<disk> make_posix_disk(std::string root);

// Replaces a small file so that a crash leaves the old or the new content: write aside, fsync, rename, fsync directory.
result<> replace_file(disk&, const std::string& path, bytes_view content);
result<std::string> read_file(disk&, const std::string& path, std::uint64_t bytes_max);

} // namespace troupe
