#include "cli/request_bodies.hpp"

#include "codec/checksum.hpp"
#include "codec/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;
constexpr int stop_check_ms = 200;

error system_failure(const char* what) { return fail(ec::io_error, std::string{what} + ": " + std::strerror(errno)); }

} // namespace

result<std::size_t> file_range::read(std::uint64_t offset, bytes_span dst) {
  if (offset >= bytes_) return std::size_t{0};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), bytes_ - offset));
  std::size_t got = 0;
  while (got != wanted) {
    const auto n = pread(fd_, dst.data() + got, wanted - got, static_cast<off_t>(offset_ + offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure("cannot read the file");
    if (n == 0) return fail(ec::io_error, "the file became shorter while it was read");
    got += static_cast<std::size_t>(n);
  }
  return got;
}

result<std::size_t> memory_body::read(std::uint64_t offset, bytes_span dst) {
  if (offset >= bytes_) return std::size_t{0};
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), bytes_ - offset));
  std::memcpy(dst.data(), buffer_.get() + offset, n);
  return n;
}

result<std::size_t> read_stream(int fd, bytes_span dst, const std::stop_token& stop) {
  std::size_t got = 0;
  while (got != dst.size()) {
    if (stop.stop_requested()) return fail(ec::closed, "interrupted");
    pollfd waiting{fd, POLLIN, 0};
    const auto ready = poll(&waiting, 1, stop_check_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const auto n = ::read(fd, dst.data() + got, dst.size() - got);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return system_failure("cannot read the input");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

result<std::uint64_t> crc64nvme_of(request_body& body) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(block_bytes);
  std::uint64_t crc = 0;
  for (std::uint64_t at = 0; at < body.size();) {
    const auto n = body.read(at, {buffer.get(), block_bytes});
    if (!n) return n.error();
    crc = crc64nvme(bytes_view{buffer.get(), *n}, crc);
    at += *n;
  }
  return crc;
}

std::string crc64nvme_text(std::uint64_t crc) {
  std::array<std::byte, 8> raw{};
  for (std::size_t i = 0; i != raw.size(); ++i) raw[i] = static_cast<std::byte>(crc >> (56 - 8 * i));
  return base64_encode(bytes_view{raw});
}

} // namespace troupe::cli
