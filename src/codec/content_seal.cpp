#include "codec/content_seal.hpp"

#include "codec/digest.hpp"
#include "codec/openssl_handles.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <string>

namespace troupe {

std::string data_key::id() const {
  const auto digest = sha256(as_bytes("troupe data key\n" + std::string{as_text(bytes_view{raw})}));
  return std::string{as_text(bytes_view{digest}.first(8))};
}

namespace content_seal {
namespace {

const unsigned char* raw(const std::byte* p) { return reinterpret_cast<const unsigned char*>(p); }
unsigned char* raw(std::byte* p) { return reinterpret_cast<unsigned char*>(p); }

std::uint64_t frames_in(std::uint64_t plain_bytes) { return (plain_bytes + frame_bytes - 1) / frame_bytes; }

} // namespace

std::uint64_t sealed_bytes(std::uint64_t plain_bytes) { return plain_bytes + frames_in(plain_bytes) * tag_bytes; }

range frames_of(std::uint64_t plain_bytes, std::uint64_t offset, std::uint64_t length) {
  assert(length > 0 && offset + length <= plain_bytes);
  constexpr std::uint64_t sealed_frame = frame_bytes + tag_bytes;
  range r;
  r.first_frame = offset / frame_bytes;
  r.offset = r.first_frame * sealed_frame;
  r.length = std::min(((offset + length - 1) / frame_bytes + 1) * sealed_frame, sealed_bytes(plain_bytes)) - r.offset;
  r.skip = static_cast<std::size_t>(offset % frame_bytes);
  return r;
}

void cipher::free_context::operator()(evp_cipher_ctx_st* c) const noexcept { EVP_CIPHER_CTX_free(c); }

cipher::cipher(const data_key& bucket, bytes_view salt, std::uint64_t plain_bytes)
    : context_(EVP_CIPHER_CTX_new()), plain_bytes_(plain_bytes), frames_(frames_in(plain_bytes)) {
  std::string message = "troupe content\n";
  message += as_text(salt);
  key_ = hmac_sha256(bucket.raw, as_bytes(message));
}

std::size_t cipher::plain_bytes_of(std::uint64_t frame) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(frame_bytes, plain_bytes_ - frame * frame_bytes));
}

// One byte that says whether it is the last frame, three of zeros, the frame's number in big endian.
std::array<unsigned char, 12> cipher::nonce(std::uint64_t frame) const {
  std::array<unsigned char, 12> n{};
  n[0] = frame + 1 == frames_ ? 1 : 0;
  for (int i = 0; i < 8; ++i) n[static_cast<std::size_t>(4 + i)] = static_cast<unsigned char>(frame >> (56 - 8 * i));
  return n;
}

result<> cipher::seal(std::uint64_t frame, bytes_view plain, bytes_span to) {
  assert(frame < frames_ && plain.size() == plain_bytes_of(frame) && to.size() >= plain.size() + tag_bytes);
  const auto n = nonce(frame);
  auto* c = context_.get();
  int written = 0;
  if (c == nullptr || EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), nullptr, raw(key_.data()), n.data()) != 1 ||
    EVP_EncryptUpdate(c, raw(to.data()), &written, raw(plain.data()), static_cast<int>(plain.size())) != 1 ||
    EVP_EncryptFinal_ex(c, raw(to.data() + plain.size()), &written) != 1 || // writes nothing: GCM has no padding
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes), to.data() + plain.size()) != 1)
    return openssl_failed("cannot encrypt content");
  return {};
}

result<> cipher::open(std::uint64_t frame, bytes_view sealed, bytes_span to) {
  const auto bad = [&] {
    ERR_clear_error();
    return fail(ec::corrupt,
      "encrypted content does not open at frame " + std::to_string(frame) + ": it was changed, or its key is another");
  };
  if (frame >= frames_ || sealed.size() != plain_bytes_of(frame) + tag_bytes) return bad();
  assert(to.size() >= plain_bytes_of(frame));
  const auto n = nonce(frame);
  const auto plain = sealed.first(sealed.size() - tag_bytes);
  std::array<std::byte, tag_bytes> tag{};
  std::copy(sealed.end() - tag_bytes, sealed.end(), tag.begin());
  auto* c = context_.get();
  int written = 0;
  unsigned char rest[16];
  if (c == nullptr || EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), nullptr, raw(key_.data()), n.data()) != 1 ||
    EVP_DecryptUpdate(c, raw(to.data()), &written, raw(plain.data()), static_cast<int>(plain.size())) != 1 ||
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data()) != 1 ||
    EVP_DecryptFinal_ex(c, rest, &written) != 1)
    return bad();
  return {};
}

} // namespace content_seal
} // namespace troupe
