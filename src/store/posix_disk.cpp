// posix_disk: disk on a directory of a real file system. Loops over short and interrupted calls; never retries a
// failed fsync (the kernel drops the dirty pages with the report, so a second, successful one proves nothing).
// Durability of names is the caller's: sync_directory() after create, rename or remove.

#include "store/disk.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

namespace troupe {

namespace {

error failed(const char* call, const std::string& path, int number) {
  auto code = ec::io_error;
  if (number == ENOSPC || number == EDQUOT)
    code = ec::no_space;
  else if (number == ENOENT || number == ENOTDIR)
    code = ec::not_found;
  return fail(code, std::string{call} + " " + path + ": " + std::generic_category().message(number));
}

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

int open_descriptor(const std::string& path, int flags) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  while (fd < 0 && errno == EINTR);
  return fd;
}

result<> sync_directory_at(const std::string& path) {
  descriptor d{open_descriptor(path, O_RDONLY | O_DIRECTORY)};
  if (d.get() < 0) return failed("open directory", path, errno);
  if (::fsync(d.get()) != 0) return failed("fsync directory", path, errno);
  return {};
}

class posix_file final : public disk_file {
public:
  posix_file(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  result<> read_at(std::uint64_t offset, bytes_span out) const override {
    while (!out.empty()) {
      auto n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("pread", path_, errno);
      if (n == 0)
        return fail(ec::corrupt,
          "pread " + path_ + ": the file ends at " + std::to_string(offset) + ", " + std::to_string(out.size()) +
            " bytes early");
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override {
    iovec vectors[IOV_MAX < 64 ? IOV_MAX : 64];
    std::size_t index = 0;   // first buffer that is not wholly written
    std::size_t skipped = 0; // bytes of it that are
    while (index < buffers.size()) {
      int count = 0;
      for (auto i = index; i < buffers.size() && count < static_cast<int>(std::size(vectors)); ++i) {
        auto b = i == index ? buffers[i].subspan(skipped) : buffers[i];
        if (!b.empty()) vectors[count++] = {const_cast<std::byte*>(b.data()), b.size()};
      }
      if (count == 0) { // empty buffers only: step over them
        index = std::min(index + std::size(vectors), buffers.size());
        skipped = 0;
        continue;
      }
      auto n = ::pwritev(fd_.get(), vectors, count, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("pwritev", path_, errno);
      if (n == 0) return fail(ec::io_error, "pwritev " + path_ + ": wrote nothing");
      offset += static_cast<std::uint64_t>(n);
      for (auto left = static_cast<std::size_t>(n); left > 0;) {
        auto step = std::min(left, buffers[index].size() - skipped);
        left -= step;
        skipped += step;
        if (skipped == buffers[index].size()) {
          ++index;
          skipped = 0;
        }
      }
    }
    return {};
  }

  result<> sync() override {
    if (::fdatasync(fd_.get()) != 0) return failed("fdatasync", path_, errno);
    return {};
  }

  result<> truncate(std::uint64_t bytes) override {
    int outcome = 0;
    do outcome = ::ftruncate(fd_.get(), static_cast<off_t>(bytes));
    while (outcome != 0 && errno == EINTR);
    if (outcome != 0) return failed("ftruncate", path_, errno);
    return {};
  }

  result<std::uint64_t> size() const override {
    struct stat s {};
    if (::fstat(fd_.get(), &s) != 0) return failed("fstat", path_, errno);
    return static_cast<std::uint64_t>(s.st_size);
  }

private:
  descriptor fd_;
  std::string path_;
};

class posix_disk final : public disk {
public:
  explicit posix_disk(std::string root) : root_(std::move(root)) {}

  result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode mode) override {
    auto full = at(path);
    auto fd = open_descriptor(full, O_RDWR | (mode == open_mode::create ? O_CREAT : 0));
    if (fd < 0) return failed("open", full, errno);
    return std::make_shared<posix_file>(fd, std::move(full));
  }

  result<> make_directory(const std::string& path) override {
    for (std::size_t slash = 0; slash != std::string::npos;) {
      auto start = slash == 0 ? 0 : slash + 1;
      auto parent = at(path.substr(0, slash));
      slash = path.find('/', start);
      auto full = at(path.substr(0, slash));
      if (full == parent) continue;
      if (::mkdir(full.c_str(), 0755) != 0 && errno != EEXIST) return failed("mkdir", full, errno);
      // Also when it is there: whoever made it may have crashed before this.
      TROUPE_TRY(sync_directory_at(parent));
    }
    return {};
  }

  result<std::vector<std::string>> list(const std::string& path) override {
    auto full = at(path);
    auto* directory = ::opendir(full.c_str());
    if (directory == nullptr) return failed("opendir", full, errno);
    std::vector<std::string> names;
    errno = 0;
    while (auto* entry = ::readdir(directory)) {
      std::string name{static_cast<const char*>(entry->d_name)};
      if (name != "." && name != "..") names.push_back(std::move(name));
      errno = 0;
    }
    auto number = errno;
    ::closedir(directory);
    if (number != 0) return failed("readdir", full, number);
    std::sort(names.begin(), names.end());
    return names;
  }

  result<bool> exists(const std::string& path) override {
    auto full = at(path);
    struct stat s {};
    if (::stat(full.c_str(), &s) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("stat", full, errno);
  }

  result<> rename(const std::string& from, const std::string& to) override {
    auto source = at(from);
    if (::rename(source.c_str(), at(to).c_str()) != 0) return failed("rename", source + " to " + at(to), errno);
    return {};
  }

  result<> remove(const std::string& path) override {
    auto full = at(path);
    if (::unlink(full.c_str()) != 0 && errno != ENOENT) return failed("unlink", full, errno);
    return {};
  }

  result<> sync_directory(const std::string& path) override { return sync_directory_at(at(path)); }

  result<disk_space> space() override {
    struct statvfs s {};
    if (::statvfs(root_.c_str(), &s) != 0) return failed("statvfs", root_, errno);
    return disk_space{
      .total_bytes = std::uint64_t{s.f_blocks} * s.f_frsize, .free_bytes = std::uint64_t{s.f_bavail} * s.f_frsize};
  }

private:
  std::string at(const std::string& path) const { return path.empty() ? root_ : root_ + "/" + path; }

  std::string root_;
};

} // namespace

std::unique_ptr<disk> make_posix_disk(std::string root) { return std::make_unique<posix_disk>(std::move(root)); }

} // namespace troupe
