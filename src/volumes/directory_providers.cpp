// local-dir and shared-dir.
#include "store/disk.hpp"
#include "volumes/volume_provider.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

namespace troupe {
namespace {

class directory final : public attached_volume {
public:
  directory(std::string root, bool shared, int lock) : root_(std::move(root)), shared_(shared), lock_(lock) {}
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  ~directory() override {
    if (lock_ >= 0) ::close(lock_);
  }
  const std::string& root() const override { return root_; }
  bool shared() const override { return shared_; }

private:
  std::string root_;
  bool shared_;
  int lock_;
};

result<int> lock_directory(const std::string& root) {
  auto path = root + "/lock";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return fail(ec::io_error, "open " + path + ": " + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const auto number = errno;
  ::close(fd);
  if (number == EWOULDBLOCK) return fail(ec::conflict, root + " is in use by another process");
  return fail(ec::io_error, "lock " + path + ": " + std::strerror(number));
}

// Two volumes must not share a directory, and a volume must not be found under another's name.
result<> name_directory(const volume_config& v) {
  auto files = make_posix_disk(v.path);
  auto there = files->exists(volume_name_file);
  if (!there) return std::move(there).error();
  if (!*there) return replace_file(*files, volume_name_file, as_bytes(v.id + "\n"));
  auto text = read_file(*files, volume_name_file, 4096);
  if (!text) return std::move(text).error();
  if (*text == v.id + "\n") return {};
  return fail(
    ec::conflict, v.path + " is another volume's directory: its file " + volume_name_file + " does not say " + v.id);
}

class local_dir final : public volume_provider {
public:
  result<std::unique_ptr<attached_volume>> attach(const volume_config& v) override {
    std::error_code problem;
    std::filesystem::create_directories(v.path, problem);
    if (problem) return fail(ec::io_error, "make " + v.path + ": " + problem.message());
    auto lock = lock_directory(v.path);
    if (!lock) return std::move(lock).error();
    auto out = std::make_unique<directory>(v.path, false, *lock);
    TROUPE_TRY(name_directory(v));
    return std::unique_ptr<attached_volume>{std::move(out)};
  }
};

class shared_dir final : public volume_provider {
public:
  result<std::unique_ptr<attached_volume>> attach(const volume_config& v) override {
    std::error_code problem;
    // Not made: an empty directory in the place of what was not mounted would look like an empty volume.
    if (!std::filesystem::is_directory(v.path, problem))
      return fail(ec::not_found, v.path + " is no directory: mount or make it first");
    TROUPE_TRY(name_directory(v));
    return std::unique_ptr<attached_volume>{std::make_unique<directory>(v.path, true, -1)};
  }
};

} // namespace

bool is_volume_id(std::string_view id) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !id.empty() && id.size() <= 63 && plain(id.front()) &&
    std::ranges::all_of(id, [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_volume_provider(std::string_view name) {
  return name == "local-dir" || name == "shared-dir" || name == "aws-ebs";
}

result<std::unique_ptr<volume_provider>> make_volume_provider(const std::string& name) {
  if (name == "local-dir") return std::unique_ptr<volume_provider>{std::make_unique<local_dir>()};
  if (name == "shared-dir") return std::unique_ptr<volume_provider>{std::make_unique<shared_dir>()};
  return fail(ec::bad_argument, "there is no volume provider '" + name + "'; expected local-dir or shared-dir");
}

} // namespace troupe
