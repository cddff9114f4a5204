// request_bodies: where the bytes of an upload come from: a range of an open file, or a buffer that a stream filled.
#pragma once

#include "cli/s3_client.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace troupe::cli {

// A range of a regular file, read with pread: several threads may share the descriptor. The file is read while it is
// sent, never held; a file that shrinks meanwhile is an error.
class file_range final : public request_body {
public:
  file_range(int fd, std::uint64_t offset, std::uint64_t bytes) : fd_(fd), offset_(offset), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_; }
  result<std::size_t> read(std::uint64_t offset, bytes_span dst) override;

private:
  int fd_;
  std::uint64_t offset_;
  std::uint64_t bytes_;
};

class memory_body final : public request_body {
public:
  memory_body(std::unique_ptr<std::byte[]> buffer, std::size_t bytes) : buffer_(std::move(buffer)), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_; }
  result<std::size_t> read(std::uint64_t offset, bytes_span dst) override;

private:
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t bytes_;
};

// Reads until dst is full or the stream ends. Waits for a pipe without missing a stop: `closed` then.
result<std::size_t> read_stream(int fd, bytes_span dst, const std::stop_token&);

// CRC64NVME of a whole body.
result<std::uint64_t> crc64nvme_of(request_body&);
// As S3 writes it: big-endian, base64.
std::string crc64nvme_text(std::uint64_t);

} // namespace troupe::cli
