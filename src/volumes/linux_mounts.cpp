// block_mounts of Linux. The programs that make and grow file systems are run; everything else are system calls.
// https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html
#include "volumes/block_mounts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace troupe {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t looked_at_bytes = std::size_t{1} << 20; // at each end of a device
constexpr unsigned program_polls_max = 3000;                  // 10 minutes
constexpr auto program_poll = 200ms;

error failed(const std::string& what, int number) { return fail(ec::io_error, what + ": " + std::strerror(number)); }

struct descriptor {
  explicit descriptor(int f) : fd(f) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

// "vol-0123" as a serial number.
std::string serial_of(std::string volume) {
  std::erase(volume, '-');
  return volume;
}

std::string first_word(const fs::path& file) {
  std::ifstream in{file};
  std::string word;
  in >> word;
  return word;
}

// Its whole path; nothing: it is not on this machine.
std::optional<std::string> find_program(const std::string& name) {
  for (const auto* place : {"/usr/sbin/", "/sbin/", "/usr/bin/"})
    if (::access((place + name).c_str(), X_OK) == 0) return place + name;
  return std::nullopt;
}

// The program that grows a mounted one, the package that has it, and the privilege that the kernel wants of it.
struct growing_program {
  const char *filesystem, *name, *package;
  unsigned capability;
  const char* capability_name;
};
constexpr std::array growing_programs{
  growing_program{"ext4", "resize2fs", "e2fsprogs", CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
  growing_program{"xfs", "xfs_growfs", "xfsprogs", CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};

result<growing_program> growing(const std::string& filesystem) {
  for (const auto& known : growing_programs)
    if (filesystem == known.filesystem) return known;
  return fail(ec::not_implemented, "a file system '" + filesystem + "' can not be grown, only ext4 and xfs");
}

class linux_mounts final : public block_mounts {
public:
  explicit linux_mounts(linux_mounts_options o) : options_(std::move(o)) {}

  result<std::optional<std::string>> find(const std::string& volume, const std::string& asked) override {
    std::error_code problem;
    const auto link =
      fs::path{options_.devices} / "disk/by-id" / ("nvme-Amazon_Elastic_Block_Store_" + serial_of(volume));
    if (fs::exists(link, problem))
      if (auto device = fs::canonical(link, problem); !problem) return std::optional{device.string()};
    for (const auto& entry : fs::directory_iterator{fs::path{options_.system} / "block", problem}) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("nvme") && first_word(entry.path() / "device/serial") == serial_of(volume))
        return std::optional{options_.devices + "/" + name};
    }
    auto short_name = fs::path{asked}.filename().string();
    std::vector<fs::path> names{asked};
    if (short_name.starts_with("sd")) names.push_back(fs::path{options_.devices} / ("xv" + short_name.substr(1)));
    for (const auto& name : names) {
      auto device = fs::canonical(name, problem);
      if (problem || !fs::is_block_file(device, problem)) continue;
      if (device.filename().string().starts_with("nvme")) continue; // its serial number is another volume's
      return std::optional{device.string()};
    }
    return std::optional<std::string>{};
  }

  result<bool> is_blank(const std::string& device) override {
    descriptor d{::open(device.c_str(), O_RDONLY | O_CLOEXEC)};
    if (d.fd < 0) return failed("open " + device, errno);
    const auto size = ::lseek(d.fd, 0, SEEK_END);
    if (size <= 0) return failed("size of " + device, size < 0 ? errno : ENXIO);
    std::vector<char> bytes(std::min<std::size_t>(looked_at_bytes, static_cast<std::size_t>(size)));
    for (const auto from : {::off_t{0}, size - static_cast<::off_t>(bytes.size())}) {
      for (std::size_t n = 0; n < bytes.size();) {
        const auto got = ::pread(d.fd, bytes.data() + n, bytes.size() - n, from + static_cast<::off_t>(n));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failed("read " + device, got < 0 ? errno : EIO);
        n += static_cast<std::size_t>(got);
      }
      if (std::ranges::any_of(bytes, [](char c) { return c != 0; })) return false;
    }
    return true;
  }

  result<> format(const std::string& device, const std::string& filesystem) override {
    auto blank = is_blank(device);
    if (!blank) return std::move(blank).error();
    if (!*blank) return fail(ec::conflict, device + " is not blank, and is not formatted");
    const auto name = "mkfs." + filesystem;
    auto program = find_program(name);
    if (!program)
      return fail(ec::not_found, "there is no " + name + " on this machine to make a file system on " + device);
    return run({*program, "-q", device});
  }

  result<state> mounted(const std::string& device, const std::string& path) override {
    struct stat here {
    }, above{}, on{};
    if (::stat(path.c_str(), &here) != 0) return failed("stat " + path, errno);
    if (::stat((path + "/..").c_str(), &above) != 0) return failed("stat " + path + "/..", errno);
    if (here.st_dev == above.st_dev) return state::nothing; // a mount point is on another device than its parent
    if (device.empty()) return state::another;
    if (::stat(device.c_str(), &on) != 0) return failed("stat " + device, errno);
    return S_ISBLK(on.st_mode) && on.st_rdev == here.st_dev ? state::this_device : state::another;
  }

  result<> mount(const std::string& device, const std::string& path, const std::string& filesystem) override {
    constexpr unsigned long flags = MS_NOATIME | MS_NODEV | MS_NOSUID | MS_NOEXEC;
    if (::mount(device.c_str(), path.c_str(), filesystem.c_str(), flags, nullptr) == 0) return {};
    const auto number = errno;
    const auto what = "mount " + device + " at " + path + " as " + filesystem;
    if (number == EPERM || number == EACCES)
      return fail(ec::access_denied,
        what + ": this process may not mount; give it CAP_SYS_ADMIN (systemd: AmbientCapabilities=CAP_SYS_ADMIN)");
    if (number == EINVAL)
      return fail(ec::io_error, what + ": the device has no such file system; nothing was changed on it");
    return failed(what, number);
  }

  result<> unmount(const std::string& path, bool anyway) override {
    if (::umount2(path.c_str(), anyway ? MNT_DETACH : 0) == 0) return {};
    const auto number = errno;
    if (number == EINVAL || number == ENOENT) return {}; // nothing is mounted there
    if (number == EBUSY) return fail(ec::unavailable, "unmount " + path + ": files there are open");
    return failed("unmount " + path, number);
  }

  result<std::uint64_t> size(const std::string& device) override {
    descriptor d{::open(device.c_str(), O_RDONLY | O_CLOEXEC)};
    if (d.fd < 0) return failed("open " + device, errno);
    const auto bytes = ::lseek(d.fd, 0, SEEK_END);
    if (bytes < 0) return failed("size of " + device, errno);
    return static_cast<std::uint64_t>(bytes);
  }

  result<> can_grow(const std::string& filesystem) override {
    auto program = growing(filesystem);
    if (!program) return std::move(program).error();
    TROUPE_TRY(file_of(*program));
    if (!programs_have(program->capability))
      return fail(ec::access_denied,
        "this process may not grow a file system of " + filesystem + ": give it " + program->capability_name +
          " (systemd: AmbientCapabilities=" + program->capability_name + ")");
    return {};
  }

  result<> grow(const std::string& device, const std::string& path, const std::string& filesystem) override {
    auto program = growing(filesystem);
    if (!program) return std::move(program).error();
    auto file = file_of(*program);
    if (!file) return std::move(file).error();
    return run({*file, filesystem == "xfs" ? path : device}); // xfs_growfs wants the mount point
  }

private:
  static result<std::string> file_of(const growing_program& wanted) {
    auto file = find_program(wanted.name);
    if (file) return std::move(*file);
    return fail(ec::not_found,
      std::string{"there is no "} + wanted.name + " on this machine to grow a file system: install " + wanted.package);
  }

  // What a program gets that this process runs: root's all that the bounding set lets through, others' the ambient ones.
  bool programs_have(unsigned capability) const {
    const std::string line = ::geteuid() == 0 ? "CapBnd:" : "CapAmb:";
    std::ifstream status{options_.process + "/status"};
    std::string word;
    while (status >> word && word != line) {}
    std::uint64_t set = 0;
    if (!(status >> std::hex >> set)) return true; // not known: the program will tell
    return (set >> capability & 1) != 0;
  }

  result<> run(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (auto& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    std::array<char*, 2> environment{const_cast<char*>("LC_ALL=C"), nullptr};
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0); // it can not be asked anything
    ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0); // errors go to our stderr
    ::pid_t child = -1;
    const auto number = ::posix_spawn(&child, arguments.front(), &files, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&files);
    if (number != 0) return failed("run " + words.front(), number);
    int status = 0;
    for (unsigned poll = 0; ::waitpid(child, &status, WNOHANG) == 0; ++poll) {
      if (poll == program_polls_max) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return fail(ec::timeout, words.front() + " did not end in time");
      }
      options_.wait(program_poll);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return fail(ec::io_error, words.front() + " on " + words.back() + " failed, with status " + std::to_string(status));
  }

  linux_mounts_options options_;
};

} // namespace

std::unique_ptr<block_mounts> make_linux_mounts(linux_mounts_options o) {
  return std::make_unique<linux_mounts>(std::move(o));
}

} // namespace troupe
