// token_maker: an issuer of tokens for tests: keys of its own, their JSON Web Key Set, and tokens with anything wrong in them
// that a test wants.
#pragma once

#include "codec/digest.hpp"
#include "codec/openssl_handles.hpp"
#include "codec/text.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <string>

namespace troupe::test {

inline std::string base64url(std::string_view s) {
  auto out = base64_encode(s);
  while (out.ends_with('=')) out.pop_back();
  for (auto& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

class token_maker {
public:
  token_maker() : rsa_(EVP_RSA_gen(2048)), ec_(EVP_EC_gen("P-256")) {
    if (!rsa_ || !ec_) throw std::runtime_error{"no keys"};
  }

  static inline const std::string secret = "0123456789abcdef0123456789abcdef";

  std::string rsa_jwk(const std::string& kid = "r1") const {
    return R"({"kty":"RSA","kid":")" + kid + R"(","use":"sig","alg":"RS256","n":")" + base64url(rsa_modulus()) +
      R"(","e":")" + base64url(number(rsa_.get(), OSSL_PKEY_PARAM_RSA_E)) + R"("})";
  }
  std::string ec_jwk(const std::string& kid = "e1") const {
    return R"({"kty":"EC","crv":"P-256","kid":")" + kid + R"(","x":")" +
      base64url(number(ec_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)) + R"(","y":")" +
      base64url(number(ec_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + R"("})";
  }
  static std::string oct_jwk(const std::string& kid = "h1") {
    return R"({"kty":"oct","kid":")" + kid + R"(","k":")" + base64url(secret) + R"("})";
  }
  static std::string set(const std::string& keys) { return R"({"keys":[)" + keys + "]}"; }
  std::string all() const { return set(rsa_jwk() + "," + ec_jwk() + "," + oct_jwk()); }

  std::string rsa_modulus() const { return number(rsa_.get(), OSSL_PKEY_PARAM_RSA_N); }

  std::string rs256(const std::string& payload, const std::string& header = R"({"alg":"RS256","kid":"r1"})") const {
    return with(header, payload, [&](const std::string& text) { return signature(rsa_.get(), text); });
  }
  std::string es256(const std::string& payload, const std::string& header = R"({"alg":"ES256","kid":"e1"})") const {
    return with(header, payload, [&](const std::string& text) { return raw_numbers(signature(ec_.get(), text)); });
  }
  // ES256 as OpenSSL writes it, which is not how tokens carry it.
  std::string es256_der(const std::string& payload) const {
    return with(
      R"({"alg":"ES256","kid":"e1"})", payload, [&](const std::string& text) { return signature(ec_.get(), text); });
  }
  static std::string hs256(const std::string& payload, const std::string& header = R"({"alg":"HS256","kid":"h1"})",
    const std::string& key = secret) {
    return with(header, payload, [&](const std::string& text) {
      const auto mac = hmac_sha256(as_bytes(key), as_bytes(text));
      return std::string{as_text(bytes_view{mac})};
    });
  }
  template <class Sign>
  static std::string with(const std::string& header, const std::string& payload, Sign sign) {
    const auto text = base64url(header) + "." + base64url(payload);
    return text + "." + base64url(sign(text));
  }

private:
  static std::string number(const EVP_PKEY* key, const char* name, std::size_t width = 0) {
    BIGNUM* n = nullptr;
    if (EVP_PKEY_get_bn_param(key, name, &n) != 1) throw std::runtime_error{name};
    std::string out(width != 0 ? width : static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(n);
    return out;
  }
  static std::string signature(EVP_PKEY* key, const std::string& text) {
    const openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free> c{EVP_MD_CTX_new()};
    std::size_t n = 1024;
    std::string out(n, '\0');
    if (EVP_DigestSignInit(c.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(c.get(), reinterpret_cast<unsigned char*>(out.data()), &n,
        reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
      throw std::runtime_error{"sign"};
    out.resize(n);
    return out;
  }
  static std::string raw_numbers(const std::string& der) {
    const auto* p = reinterpret_cast<const unsigned char*>(der.data());
    const openssl_ptr<ECDSA_SIG, ECDSA_SIG_free> s{d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(der.size()))};
    std::string out(64, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(s.get()), to, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(s.get()), to + 32, 32);
    return out;
  }

  openssl_ptr<EVP_PKEY, EVP_PKEY_free> rsa_, ec_;
};

} // namespace troupe::test
