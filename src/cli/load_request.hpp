// load_request: the heads of the benchmark's requests, signed as cheaply as possible: three signed headers, the signing
// key made once a day and the date once a second. Not thread-safe: one for each thread.
#pragma once

#include "base/environment.hpp"
#include "cli/connection.hpp"
#include "codec/digest.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::cli {

class load_request_writer {
public:
  // `payload_hash`: of every body that is sent: hex SHA-256, or UNSIGNED-PAYLOAD.
  load_request_writer(const connection&, std::string bucket, std::string payload_hash);

  // Replaces `out` with a whole head. `body_bytes` is ignored for GET.
  void write(std::string& out, std::string_view method, std::string_view key, std::uint64_t body_bytes, unix_ms now);

private:
  void new_second(unix_ms now);

  connection where_;
  std::string bucket_path_; // "/bucket/"
  std::string payload_hash_;
  std::string amz_date_, scope_;
  std::int64_t second_ = -1;
  std::string day_;
  sha256_digest signing_key_{};
  std::string path_; // reused
};

} // namespace troupe::cli
