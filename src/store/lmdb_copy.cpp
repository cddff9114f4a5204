#include "store/lmdb_copy.hpp"

#include "codec/checksum.hpp"
#include "store/lmdb_rows.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace troupe {
namespace {

error system_error(const std::string& what, int number) {
  auto code = number == ENOSPC || number == EDQUOT ? ec::no_space : ec::io_error;
  return fail(code, what + ": " + std::generic_category().message(number));
}

class open_file {
public:
  explicit open_file(int fd) : fd_(fd) {}
  ~open_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  int get() const { return fd_; }

  result<> read_at(std::uint64_t offset, std::byte* out, std::size_t n) const {
    while (n > 0) {
      auto got = ::pread(fd_, out, n, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("read a copy of the state", errno);
      if (got == 0) return fail(ec::corrupt, "a copy of the state ends early");
      out += got;
      offset += static_cast<std::uint64_t>(got);
      n -= static_cast<std::size_t>(got);
    }
    return {};
  }
  result<> write_at(std::uint64_t offset, bytes_view bytes) const {
    while (!bytes.empty()) {
      auto put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error("write the state that arrives", errno);
      offset += static_cast<std::uint64_t>(put);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

private:
  int fd_;
};

class lmdb_copy final : public state_copy {
public:
  lmdb_copy(int fd, std::string position) : file_(fd), position_(std::move(position)) {}

  result<> measure() {
    struct stat s {};
    if (::fstat(file_.get(), &s) != 0) return system_error("stat a copy of the state", errno);
    bytes_ = static_cast<std::uint64_t>(s.st_size);
    std::vector<std::byte> block(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < bytes_; at += block.size()) {
      if (bytes_ - at < block.size()) block.resize(static_cast<std::size_t>(bytes_ - at));
      TROUPE_TRY(file_.read_at(at, block.data(), block.size()));
      checksum_ = crc32c(block, checksum_);
    }
    return {};
  }

  int descriptor() const { return file_.get(); }
  const std::string& position() const override { return position_; }
  std::uint64_t bytes() const override { return bytes_; }
  std::uint32_t checksum() const override { return checksum_; }
  result<std::string> read(std::uint64_t offset, std::size_t n) const override {
    std::string out(n, '\0');
    TROUPE_TRY(file_.read_at(offset, reinterpret_cast<std::byte*>(out.data()), n));
    return out;
  }

private:
  open_file file_;
  std::string position_;
  std::uint64_t bytes_ = 0;
  std::uint32_t checksum_ = 0;
};

class lmdb_arrival final : public named_arrival {
public:
  lmdb_arrival(int fd, std::string path) : file_(fd), path_(std::move(path)) {}
  ~lmdb_arrival() override { ::unlink(path_.c_str()); } // fails when it was put in place
  lmdb_arrival(const lmdb_arrival&) = delete;
  lmdb_arrival& operator=(const lmdb_arrival&) = delete;

  const std::string& path() const override { return path_; }
  result<> append(bytes_view bytes) override {
    TROUPE_TRY(file_.write_at(bytes_, bytes));
    bytes_ += bytes.size();
    checksum_ = crc32c(bytes, checksum_);
    return {};
  }
  result<> finish(std::uint64_t bytes, std::uint32_t checksum) override {
    if (bytes != bytes_ || checksum != checksum_) return fail(ec::corrupt, path_ + " fails its checksum");
    if (::fsync(file_.get()) != 0) return system_error("fsync " + path_, errno);
    return {};
  }

private:
  open_file file_;
  std::string path_;
  std::uint64_t bytes_ = 0;
  std::uint32_t checksum_ = 0;
};

} // namespace

result<std::shared_ptr<state_copy>> copy_lmdb(MDB_env* env, const std::string& directory, std::string position) {
  auto path = directory + "/copy.mdb";
  ::unlink(path.c_str()); // a crash came between the two calls below
  auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("open " + path, errno);
  auto copy = std::make_shared<lmdb_copy>(fd, std::move(position));
  if (::unlink(path.c_str()) != 0) return system_error("unlink " + path, errno);
  if (auto code = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT); code != 0)
    return lmdb_rows::failed("mdb_env_copyfd2", code);
  TROUPE_TRY(copy->measure());
  return std::shared_ptr<state_copy>{std::move(copy)};
}

result<std::shared_ptr<state_arrival>> receive_lmdb(const std::string& path) {
  auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("open " + path, errno);
  return std::shared_ptr<state_arrival>{std::make_shared<lmdb_arrival>(fd, path)};
}

} // namespace troupe
