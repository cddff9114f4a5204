#include "roles/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace troupe {

result<directory_lock> directory_lock::take(const std::string& directory, const std::string& advice) {
  std::error_code e;
  std::filesystem::create_directories(directory, e);
  if (e) return fail(ec::io_error, "make directory " + directory + ": " + e.message());
  auto path = directory + "/lock";
  auto file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) return fail(ec::io_error, "open " + path + ": " + std::strerror(errno));
  directory_lock held{file};
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return held;
  if (errno == EWOULDBLOCK) return fail(ec::conflict, "another process serves " + directory + "; " + advice);
  return fail(ec::io_error, "lock " + path + ": " + std::strerror(errno));
}

directory_lock::~directory_lock() {
  if (file_ >= 0) ::close(file_);
}

} // namespace troupe
