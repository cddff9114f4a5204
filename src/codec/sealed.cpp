#include "codec/sealed.hpp"

#include "codec/digest.hpp"
#include "codec/openssl_handles.hpp"
#include "codec/text.hpp"

#include <openssl/evp.h>

#include <cstring>

namespace troupe {
namespace {

constexpr char version = 1;
constexpr std::size_t nonce_bytes = 12, tag_bytes = 16, secret_bytes_max = 4096;
using context_ptr = openssl_ptr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const unsigned char* raw(const char* p) { return reinterpret_cast<const unsigned char*>(p); }
unsigned char* raw(char* p) { return reinterpret_cast<unsigned char*>(p); }
int size_of(std::string_view s) { return static_cast<int>(s.size()); }

} // namespace

std::string master_key::fingerprint() const {
  const auto digest = sha256(as_bytes("troupe master key\n" + std::string{as_text(bytes_view{raw})}));
  return hex_encode(bytes_view{digest}.first(8));
}

result<master_key> master_key::parse(std::string_view hex) {
  while (!hex.empty() && (hex.back() == '\n' || hex.back() == '\r' || hex.back() == ' ')) hex.remove_suffix(1);
  master_key key;
  const auto bytes = hex_decode(hex);
  if (!bytes || bytes->size() != key.raw.size())
    return fail(ec::bad_argument, "expected a master key of 64 hex digits, as `openssl rand -hex 32` makes one");
  std::memcpy(key.raw.data(), bytes->data(), bytes->size());
  return key;
}

result<std::string> seal(const master_key& key, std::string_view secret, std::string_view context, entropy& random) {
  if (secret.size() > secret_bytes_max) return fail(ec::too_large, "a secret is too long to be sealed");
  std::string out(1 + nonce_bytes + secret.size() + tag_bytes, '\0');
  out[0] = version;
  auto* nonce = out.data() + 1;
  auto* text = nonce + nonce_bytes;
  auto* tag = text + secret.size();
  random.fill({reinterpret_cast<std::byte*>(nonce), nonce_bytes});
  const context_ptr c{EVP_CIPHER_CTX_new()};
  int n = 0;
  const auto* k = reinterpret_cast<const unsigned char*>(key.raw.data());
  if (!c || EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, k, raw(nonce)) != 1 ||
    EVP_EncryptUpdate(c.get(), nullptr, &n, raw(context.data()), size_of(context)) != 1 ||
    EVP_EncryptUpdate(c.get(), raw(text), &n, raw(secret.data()), size_of(secret)) != 1 ||
    EVP_EncryptFinal_ex(c.get(), raw(tag), &n) != 1 || // writes nothing: GCM has no padding
    EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes), tag) != 1)
    return openssl_failed("cannot seal a secret");
  return out;
}

result<std::string> unseal(const master_key& key, std::string_view sealed, std::string_view context) {
  const auto bad = [] {
    ERR_clear_error();
    return fail(ec::corrupt, "a sealed secret does not open: it was sealed with another master key, or is damaged");
  };
  if (sealed.size() < 1 + nonce_bytes + tag_bytes || sealed.size() > 1 + nonce_bytes + secret_bytes_max + tag_bytes ||
    sealed[0] != version)
    return bad();
  const auto nonce = sealed.substr(1, nonce_bytes);
  const auto text = sealed.substr(1 + nonce_bytes, sealed.size() - 1 - nonce_bytes - tag_bytes);
  std::string tag{sealed.substr(sealed.size() - tag_bytes)}, out(text.size(), '\0');
  const context_ptr c{EVP_CIPHER_CTX_new()};
  int n = 0;
  const auto* k = reinterpret_cast<const unsigned char*>(key.raw.data());
  if (!c || EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, k, raw(nonce.data())) != 1 ||
    EVP_DecryptUpdate(c.get(), nullptr, &n, raw(context.data()), size_of(context)) != 1 ||
    EVP_DecryptUpdate(c.get(), raw(out.data()), &n, raw(text.data()), size_of(text)) != 1 ||
    EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data()) != 1)
    return bad();
  unsigned char rest[16];
  if (EVP_DecryptFinal_ex(c.get(), rest, &n) != 1) return bad();
  return out;
}

} // namespace troupe
