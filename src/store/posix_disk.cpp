// posix_disk: disk on a directory of a real file system. Durability of names is the caller's: sync_directory() after
// create, rename or remove.

#include "store/direct_file.hpp"
#include "store/posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace troupe {

namespace {

result<> sync_directory_at(const std::string& path) {
  descriptor d{open_descriptor(path, O_RDONLY | O_DIRECTORY)};
  if (d.get() < 0) return failed_call("open directory", path, errno);
  if (::fsync(d.get()) != 0) return failed_call("fsync directory", path, errno);
  return {};
}

class posix_disk final : public disk {
public:
  explicit posix_disk(std::string root) : root_(std::move(root)) {}

  result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode mode) override {
    auto full = at(path);
    auto fd = open_descriptor(full, O_RDWR | (mode == open_mode::create ? O_CREAT : 0));
    if (fd < 0) return failed_call("open", full, errno);
    return std::make_shared<posix_file>(fd, std::move(full));
  }

  result<std::shared_ptr<disk_file>> open_direct(const std::string& path, open_mode mode) override {
    auto file = open(path, mode);
    if (!file) return file;
    return direct_file::make(std::static_pointer_cast<posix_file>(std::move(*file)), windows_);
  }

  result<> make_directory(const std::string& path) override {
    for (std::size_t slash = 0; slash != std::string::npos;) {
      auto start = slash == 0 ? 0 : slash + 1;
      auto parent = at(path.substr(0, slash));
      slash = path.find('/', start);
      auto full = at(path.substr(0, slash));
      if (full == parent) continue;
      if (::mkdir(full.c_str(), 0755) != 0 && errno != EEXIST) return failed_call("mkdir", full, errno);
      // Also when it is there: whoever made it may have crashed before this.
      TROUPE_TRY(sync_directory_at(parent));
    }
    return {};
  }

  result<std::vector<std::string>> list(const std::string& path) override {
    auto full = at(path);
    auto* directory = ::opendir(full.c_str());
    if (directory == nullptr) return failed_call("opendir", full, errno);
    std::vector<std::string> names;
    errno = 0;
    while (auto* entry = ::readdir(directory)) {
      std::string name{static_cast<const char*>(entry->d_name)};
      if (name != "." && name != "..") names.push_back(std::move(name));
      errno = 0;
    }
    auto number = errno;
    ::closedir(directory);
    if (number != 0) return failed_call("readdir", full, number);
    std::sort(names.begin(), names.end());
    return names;
  }

  result<bool> exists(const std::string& path) override {
    auto full = at(path);
    struct stat s {};
    if (::stat(full.c_str(), &s) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed_call("stat", full, errno);
  }

  result<> rename(const std::string& from, const std::string& to) override {
    auto source = at(from);
    if (::rename(source.c_str(), at(to).c_str()) != 0) return failed_call("rename", source + " to " + at(to), errno);
    return {};
  }

  result<> remove(const std::string& path) override {
    auto full = at(path);
    if (::unlink(full.c_str()) != 0 && errno != ENOENT) return failed_call("unlink", full, errno);
    return {};
  }

  result<> sync_directory(const std::string& path) override { return sync_directory_at(at(path)); }

  result<disk_space> space() override {
    struct statvfs s {};
    if (::statvfs(root_.c_str(), &s) != 0) return failed_call("statvfs", root_, errno);
    return disk_space{
      .total_bytes = std::uint64_t{s.f_blocks} * s.f_frsize, .free_bytes = std::uint64_t{s.f_bavail} * s.f_frsize};
  }

private:
  std::string at(const std::string& path) const { return path.empty() ? root_ : root_ + "/" + path; }

  std::string root_;
  std::shared_ptr<window_pool> windows_ = std::make_shared<window_pool>();
};

} // namespace

std::unique_ptr<disk> make_posix_disk(std::string root) { return std::make_unique<posix_disk>(std::move(root)); }

} // namespace troupe
