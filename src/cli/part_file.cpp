#include "cli/part_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace troupe::cli {

namespace {

error failure(const char* what, const std::filesystem::path& path) {
  return fail(ec::io_error, std::string{what} + " " + path.string() + ": " + std::strerror(errno));
}

} // namespace

result<part_file> part_file::create(const std::filesystem::path& final_path, std::uint64_t bytes) {
  auto part = final_path;
  part += ".part";
  const auto fd = open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return failure("cannot create", part);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const auto busy = errno == EWOULDBLOCK;
    auto problem =
      busy ? fail(ec::conflict, part.string() + " is being written by another download") : failure("cannot lock", part);
    close(fd);
    return problem;
  }
  struct stat opened {
  }, named{};
  if (fstat(fd, &opened) != 0 || stat(part.c_str(), &named) != 0 || opened.st_ino != named.st_ino ||
    opened.st_dev != named.st_dev) {
    close(fd); // another download renamed it between our open and our lock: what we hold is its finished file
    return fail(ec::conflict, part.string() + " was just finished by another download");
  }
  part_file file{final_path, std::move(part), fd};
  if (ftruncate(fd, 0) != 0) return failure("cannot empty", file.part_);
  if (bytes != 0) {
    // A full disk is known now rather than at the end; file systems that cannot reserve say so.
    if (const auto problem = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
        problem != 0 && problem != EOPNOTSUPP && problem != EINVAL) {
      errno = problem;
      return failure("cannot reserve the space for", file.part_);
    }
  }
  return file;
}

part_file::part_file(part_file&& other) noexcept
    : final_(std::move(other.final_)), part_(std::move(other.part_)), fd_(std::exchange(other.fd_, -1)) {}

part_file::~part_file() {
  if (fd_ < 0) return;
  unlink(part_.c_str()); // before the lock goes
  close(fd_);
}

result<> part_file::write_at(std::uint64_t offset, bytes_view bytes) {
  while (!bytes.empty()) {
    const auto n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot write", part_);
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

result<std::size_t> part_file::read_at(std::uint64_t offset, bytes_span dst) const {
  for (;;) {
    const auto n = pread(fd_, dst.data(), dst.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot read back", part_);
    return static_cast<std::size_t>(n);
  }
}

result<> part_file::commit() {
  if (fdatasync(fd_) != 0) return failure("cannot sync", part_);
  if (rename(part_.c_str(), final_.c_str()) != 0) return failure("cannot rename to", final_);
  close(std::exchange(fd_, -1));
  const auto folder = final_.has_parent_path() ? final_.parent_path() : std::filesystem::path{"."};
  if (const auto dir = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); dir >= 0) {
    const auto synced = fsync(dir);
    close(dir);
    if (synced != 0 && errno != EINVAL) return failure("cannot sync the folder", folder);
  }
  return {};
}

} // namespace troupe::cli
