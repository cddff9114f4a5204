// What can be seen of block_mounts without a privilege: devices found by their names, and what is on them, in files.
#include "store/temporary_directory.hpp"
#include "support/print_result.hpp"
#include "volumes/block_mounts.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <unistd.h>

using namespace troupe;
using namespace troupe::test;
namespace fs = std::filesystem;

namespace {

struct machine {
  machine() {
    fs::create_directories(at.path() + "/dev/disk/by-id");
    fs::create_directories(at.path() + "/sys/block");
    mounts = make_linux_mounts(
      {.devices = at.path() + "/dev", .system = at.path() + "/sys", .process = at.path(), .wait = [](auto t) {
         std::mutex m;
         std::condition_variable nobody;
         std::unique_lock lock{m};
         nobody.wait_for(lock, t, [] { return false; });
       }});
  }
  std::string device(const std::string& name, std::uint64_t bytes = 16 << 20) {
    auto path = at.path() + "/dev/" + name;
    std::ofstream{path};
    fs::resize_file(path, bytes);
    return path;
  }
  void write(const std::string& path, std::uint64_t where, const std::string& what) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(where));
    file << what;
  }
  temporary_directory at;
  std::unique_ptr<block_mounts> mounts;
};

} // namespace

TEST_CASE("an EBS device is found by its serial number, as a link or as the kernel knows it, and never by another's") {
  machine m;
  auto other = m.device("nvme0n1"), mine = m.device("nvme1n1");
  REQUIRE_FALSE(*m.mounts->find("vol-0abc", "/dev/sdf")); // not attached yet
  fs::create_directories(m.at.path() + "/sys/block/nvme0n1/device");
  std::ofstream{m.at.path() + "/sys/block/nvme0n1/device/serial"} << "vol0other\n";
  REQUIRE_FALSE(*m.mounts->find("vol-0abc", other)); // the name that was asked for is another volume's
  fs::create_directories(m.at.path() + "/sys/block/nvme1n1/device");
  std::ofstream{m.at.path() + "/sys/block/nvme1n1/device/serial"} << "vol0abc            \n";
  REQUIRE(m.mounts->find("vol-0abc", "/dev/sdf")->value() == mine);
  fs::remove_all(m.at.path() + "/sys/block/nvme1n1");
  fs::create_symlink("../../nvme1n1", m.at.path() + "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc");
  REQUIRE(m.mounts->find("vol-0abc", "/dev/sdf")->value() == fs::canonical(mine).string());
}

TEST_CASE("a device with any byte at its beginning or its end is not blank, and is never formatted") {
  machine m;
  auto device = m.device("nvme1n1");
  REQUIRE(*m.mounts->is_blank(device));
  for (std::uint64_t where :
    {std::uint64_t{0}, std::uint64_t{1080}, std::uint64_t{65600}, (std::uint64_t{16} << 20) - 1}) {
    auto used = m.device("used");
    m.write(used, where, "x");
    REQUIRE_FALSE(*m.mounts->is_blank(used));
    auto before = fs::last_write_time(used);
    REQUIRE(m.mounts->format(used, "ext4").error().code == ec::conflict);
    REQUIRE(fs::last_write_time(used) == before);
    fs::remove(used);
  }
  REQUIRE_FALSE(m.mounts->is_blank(m.at.path() + "/dev/none"));
}

TEST_CASE("a file system is made once") {
  machine m;
  if (::access("/usr/sbin/mkfs.ext4", X_OK) != 0 && ::access("/sbin/mkfs.ext4", X_OK) != 0) {
    WARN("there is no mkfs.ext4 here");
    return;
  }
  auto device = m.device("nvme1n1");
  REQUIRE(m.mounts->format(device, "ext4"));
  REQUIRE_FALSE(*m.mounts->is_blank(device));
  REQUIRE(m.mounts->format(device, "ext4").error().code == ec::conflict);
  REQUIRE(m.mounts->format(m.device("nvme2n1"), "no-such-fs").error().code == ec::not_found);
}

TEST_CASE("a file system that can not be grown is told beforehand, with what it takes") {
  machine m;
  REQUIRE(m.mounts->can_grow("btrfs").error().code == ec::not_implemented);
  if (::access("/usr/sbin/resize2fs", X_OK) != 0) {
    REQUIRE(m.mounts->can_grow("ext4").error().code == ec::not_found);
    return;
  }
  const auto with = [&](const std::string& set) {
    std::ofstream{m.at.path() + "/status"} << "Name:\ttroupe\nCapBnd:\t" << set << "\nCapAmb:\t" << set << "\n";
    return m.mounts->can_grow("ext4");
  };
  REQUIRE(m.mounts->can_grow("ext4")); // not known
  REQUIRE(with("000001ffffffffff"));
  auto outcome = with("000001fffeffffff");
  REQUIRE(outcome.error().code == ec::access_denied);
  REQUIRE(outcome.error().message.find("CAP_SYS_RESOURCE") != std::string::npos);
}

TEST_CASE("a file system is grown to the size of its device, and once more without harm") {
  machine m;
  if (::access("/usr/sbin/resize2fs", X_OK) != 0 || ::access("/usr/sbin/mkfs.ext4", X_OK) != 0) {
    WARN("there is no resize2fs or no mkfs.ext4 here");
    return;
  }
  auto device = m.device("nvme1n1");
  REQUIRE(m.mounts->format(device, "ext4"));
  const auto blocks = [&] { // of the super block
    std::ifstream in{device, std::ios::binary};
    in.seekg(1024 + 4);
    std::uint32_t count = 0;
    in.read(reinterpret_cast<char*>(&count), sizeof count);
    return count;
  };
  const auto before = blocks();
  REQUIRE(before > 0);
  fs::resize_file(device, 32 << 20);
  REQUIRE(*m.mounts->size(device) == 32 << 20);
  for (int time = 0; time < 2; ++time) {
    REQUIRE(m.mounts->grow(device, "/nowhere", "ext4"));
    REQUIRE(blocks() == 2 * before);
  }
  auto outcome = m.mounts->grow(m.device("blank"), "/nowhere", "ext4");
  REQUIRE(outcome.error().code == ec::io_error);
  REQUIRE(outcome.error().message.find("resize2fs") != std::string::npos);
}

TEST_CASE(
  "a directory on its parent's device has nothing mounted, and one that is no mount point is unmounted at once") {
  machine m;
  REQUIRE(*m.mounts->mounted({}, m.at.path()) == block_mounts::state::nothing);
  REQUIRE(*m.mounts->mounted({}, "/proc") == block_mounts::state::another);
  REQUIRE_FALSE(m.mounts->mounted({}, m.at.path() + "/none"));
}
