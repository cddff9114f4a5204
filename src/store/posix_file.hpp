// posix_file: disk_file on a file descriptor. Loops over short and interrupted calls; never retries a failed fsync (the
// kernel drops the dirty pages with the report, so a second, successful one proves nothing). Private to the store.
#pragma once

#include "store/disk.hpp"

#include <string>

namespace troupe {

// From errno: ec::no_space, ec::not_found, or ec::io_error; names the call and the file.
error failed_call(const char* call, const std::string& path, int number);

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor();
  int get() const { return fd_; }

private:
  int fd_;
};

int open_descriptor(const std::string& path, int flags); // -1: see errno

class posix_file final : public disk_file {
public:
  posix_file(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  result<> read_at(std::uint64_t offset, bytes_span out) const override;
  result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override;
  result<> sync() override;
  result<> truncate(std::uint64_t bytes) override;
  result<std::uint64_t> size() const override;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

private:
  descriptor fd_;
  std::string path_;
};

} // namespace troupe
