// upload: a file or a stream into an object: one PUT when it is small, else a multipart upload with parallel parts.
// Every request carries the CRC64NVME of its bytes, which the server checks; the whole object's follows from the parts'.
// An upload that fails or is interrupted is aborted, so that it leaves nothing behind.
#pragma once

#include "cli/s3_calls.hpp"
#include "cli/transfer.hpp"

namespace troupe::cli {

struct upload_report {
  std::uint64_t bytes = 0;
  unsigned parts = 0; // 0: a single PUT
  std::string etag{};
  std::string crc64nvme{}; // base64
};

// A regular file of `bytes` bytes. Memory: nothing that grows with the size.
result<upload_report> upload_file(
  const transfer&, int fd, std::uint64_t bytes, const object_name&, const object_attributes&);

// Anything else that can be read. Memory: one part for each of the parallel requests (8 MiB, more beyond 12 GiB).
result<upload_report> upload_stream(const transfer&, int fd, const object_name&, const object_attributes&);

} // namespace troupe::cli
