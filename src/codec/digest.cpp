#include "codec/digest.hpp"

#include "codec/md5_lanes.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <new>

namespace troupe {
namespace {

// Null only when OpenSSL was built without the algorithm; checked below, at first use.
const EVP_MD* algorithm(digest_kind kind) {
  static const std::array<EVP_MD*, 3> all{EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
    EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  return all[static_cast<std::size_t>(kind)];
}

// OpenSSL fails here only for lack of memory or of the algorithm; neither leaves a digest to go on with.
void must(int ok) {
  if (ok != 1) throw std::bad_alloc{};
}

template <class Digest>
Digest digest_of(digest_kind kind, bytes_view in) {
  Digest out;
  auto* raw = reinterpret_cast<unsigned char*>(out.data());
  must(EVP_Digest(in.data(), in.size(), raw, nullptr, algorithm(kind), nullptr));
  return out;
}

} // namespace

void digest::free_context::operator()(evp_md_ctx_st* c) const noexcept { EVP_MD_CTX_free(c); }

digest::digest(digest_kind kind) : context_(EVP_MD_CTX_new()), kind_(kind) {
  must(context_ != nullptr);
  must(EVP_DigestInit_ex2(context_.get(), algorithm(kind_), nullptr));
}

void digest::add(bytes_view in) { must(EVP_DigestUpdate(context_.get(), in.data(), in.size())); }

std::string digest::finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  must(EVP_DigestFinal_ex(context_.get(), raw, &n));
  must(EVP_DigestInit_ex2(context_.get(), algorithm(kind_), nullptr));
  return {reinterpret_cast<const char*>(raw), n};
}

md5_digest md5(bytes_view in) {
  md5_stream s; // faster than OpenSSL's
  s.add(in);
  return s.finish();
}
sha1_digest sha1(bytes_view in) { return digest_of<sha1_digest>(digest_kind::sha1, in); }
sha256_digest sha256(bytes_view in) { return digest_of<sha256_digest>(digest_kind::sha256, in); }

// RFC 2104. Written out because OpenSSL 3.0's HMAC() fetches its digest by name at every call.
sha256_digest hmac_sha256(bytes_view key, bytes_view message) {
  constexpr std::size_t block = 64;
  std::array<std::byte, block> inner{}, outer{};
  if (key.size() > block) {
    auto short_key = sha256(key);
    std::copy(short_key.begin(), short_key.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  outer = inner;
  for (auto& b : inner) b ^= std::byte{0x36};
  for (auto& b : outer) b ^= std::byte{0x5c};
  digest hash{digest_kind::sha256};
  hash.add(inner);
  hash.add(message);
  auto first = hash.finish();
  hash.add(outer);
  hash.add(as_bytes(first));
  auto second = hash.finish();
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  sha256_digest out;
  std::memcpy(out.data(), second.data(), out.size());
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace troupe
