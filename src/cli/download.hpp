// download: an object into a file (parallel ranges when it is large) or into a stream (in order).
// All requests carry the ETag that the first answer gave (If-Match), so an overwrite meanwhile is an error, never a mix.
// A connection that breaks is taken up again where it stopped.
#pragma once

#include "cli/s3_calls.hpp"
#include "cli/transfer.hpp"

#include <filesystem>
#include <string>

namespace troupe::cli {

struct download_report {
  std::uint64_t bytes = 0;
  std::string etag;
  std::string checked_by; // "CRC64NVME", "MD5", ..., or "size"
};

// `facts`: of head_object, just now. FILE.part is checked and renamed; nothing stays behind when it fails.
result<download_report> download_file(
  const transfer&, const object_name&, const object_facts& facts, const std::filesystem::path&);

// What was written to `fd` before an error cannot be taken back: the error says the content is not complete or wrong.
result<download_report> download_stream(const transfer&, const object_name&, const object_facts& facts, int fd);

} // namespace troupe::cli
