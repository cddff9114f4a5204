// digest: MD5, SHA-1, SHA-256 and HMAC-SHA256 on OpenSSL; a whole MD5 on md5_lanes.hpp.
// The algorithms are fetched once for the process: OpenSSL 3.0's implicit fetch costs more than hashing a small body.
#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

struct evp_md_ctx_st;

namespace troupe {

enum class digest_kind : std::uint8_t { md5, sha1, sha256 };

using md5_digest = std::array<std::byte, 16>;
using sha1_digest = std::array<std::byte, 20>;
using sha256_digest = std::array<std::byte, 32>;

// Streaming. Not thread-safe; movable. A moved-from digest may only be destroyed or assigned to.
class digest {
public:
  explicit digest(digest_kind);
  void add(bytes_view);
  // The raw digest (16, 20 or 32 bytes); starts anew.
  std::string finish();

private:
  struct free_context {
    void operator()(evp_md_ctx_st*) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, free_context> context_;
  digest_kind kind_;
};

md5_digest md5(bytes_view);
sha1_digest sha1(bytes_view);
sha256_digest sha256(bytes_view);
sha256_digest hmac_sha256(bytes_view key, bytes_view message);

// True when equal, in a time that does not depend on where they differ.
bool equal_constant_time(std::string_view, std::string_view) noexcept;

} // namespace troupe
