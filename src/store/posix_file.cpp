#include "store/posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

namespace troupe {

error failed_call(const char* call, const std::string& path, int number) {
  auto code = ec::io_error;
  if (number == ENOSPC || number == EDQUOT)
    code = ec::no_space;
  else if (number == ENOENT || number == ENOTDIR)
    code = ec::not_found;
  return fail(code, std::string{call} + " " + path + ": " + std::generic_category().message(number));
}

descriptor::~descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int open_descriptor(const std::string& path, int flags) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  while (fd < 0 && errno == EINTR);
  return fd;
}

result<> posix_file::read_at(std::uint64_t offset, bytes_span out) const {
  while (!out.empty()) {
    auto n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed_call("pread", path_, errno);
    if (n == 0)
      return fail(ec::corrupt,
        "pread " + path_ + ": the file ends at " + std::to_string(offset) + ", " + std::to_string(out.size()) +
          " bytes early");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

result<> posix_file::write_at(std::uint64_t offset, std::span<const bytes_view> buffers) {
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
    if (n < 0) return failed_call("pwritev", path_, errno);
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

result<> posix_file::sync() {
  if (::fdatasync(fd_.get()) != 0) return failed_call("fdatasync", path_, errno);
  return {};
}

result<> posix_file::truncate(std::uint64_t bytes) {
  int outcome = 0;
  do outcome = ::ftruncate(fd_.get(), static_cast<off_t>(bytes));
  while (outcome != 0 && errno == EINTR);
  if (outcome != 0) return failed_call("ftruncate", path_, errno);
  return {};
}

result<std::uint64_t> posix_file::size() const {
  struct stat s {};
  if (::fstat(fd_.get(), &s) != 0) return failed_call("fstat", path_, errno);
  return static_cast<std::uint64_t>(s.st_size);
}

} // namespace troupe
