// content_seal: content at rest (REQUIREMENTS X21): AES-256-GCM in frames of 64 KiB, so that a range can be opened without the
// rest. A frame is bound to its place and to whether it is the last one: one that is moved, left out, or taken from other content
// does not open. Each content has a key of its own, drawn from its bucket's by a salt, so a frame's number serves as nonce.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_cipher_ctx_st;

namespace troupe {

// Of a bucket. Kept sealed under the master key (codec/sealed.hpp).
struct data_key {
  std::array<std::byte, 32> raw{};
  std::string id() const; // 8 bytes that tell keys apart and say nothing about them
};

namespace content_seal {

inline constexpr std::size_t frame_bytes = std::size_t{64} << 10, tag_bytes = 16, salt_bytes = 16;

// What content of so many bytes has at rest.
std::uint64_t sealed_bytes(std::uint64_t plain_bytes);

// Where the frames of a range are.
struct range {
  std::uint64_t first_frame = 0;
  std::uint64_t offset = 0, length = 0; // of the sealed bytes
  std::size_t skip = 0;                 // bytes of the first frame before the range
};
// Precondition: length > 0 and offset + length <= plain_bytes.
range frames_of(std::uint64_t plain_bytes, std::uint64_t offset, std::uint64_t length);

class cipher {
public:
  // The salt has salt_bytes.
  cipher(const data_key&, bytes_view salt, std::uint64_t plain_bytes);
  std::uint64_t frames() const { return frames_; }
  std::size_t plain_bytes_of(std::uint64_t frame) const; // frame_bytes, but for the last

  // `to` has room for plain.size() + tag_bytes. Precondition: plain.size() == plain_bytes_of(frame).
  result<> seal(std::uint64_t frame, bytes_view plain, bytes_span to);
  // `to` has plain_bytes_of(frame) bytes. ec::corrupt: other content, another place, another key, or damage; then nothing in `to`
  // may be used.
  result<> open(std::uint64_t frame, bytes_view sealed, bytes_span to);

private:
  struct free_context {
    void operator()(evp_cipher_ctx_st*) const noexcept;
  };
  std::array<unsigned char, 12> nonce(std::uint64_t frame) const;

  std::unique_ptr<evp_cipher_ctx_st, free_context> context_;
  std::array<std::byte, 32> key_{};
  std::uint64_t plain_bytes_, frames_;
};

} // namespace content_seal
} // namespace troupe
