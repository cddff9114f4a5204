// directory_lock: a directory that one process at a time holds. The kernel lets go of it when the process ends, however.
#pragma once

#include "base/error.hpp"

#include <string>
#include <utility>

namespace troupe {

class directory_lock {
public:
  // Makes the directory when it is missing. ec::conflict: another process holds it; `advice` says what to do then.
  static result<directory_lock> take(const std::string& directory, const std::string& advice);
  directory_lock(directory_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  directory_lock& operator=(directory_lock&&) = delete;
  ~directory_lock();

private:
  explicit directory_lock(int file) : file_(file) {}
  int file_;
};

} // namespace troupe
