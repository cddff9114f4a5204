#include "codec/jwk.hpp"

#include "codec/digest.hpp"
#include "codec/jwt.hpp"
#include "codec/openssl_handles.hpp"

#include <boost/json/parse.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <optional>

namespace troupe {

namespace json = boost::json;

struct jwk::material {
  openssl_ptr<EVP_PKEY, EVP_PKEY_free> key; // of RS256, ES256
  std::string secret;                       // of HS256
};

namespace {

constexpr std::size_t rsa_bytes_min = 2048 / 8, rsa_bytes_max = 8192 / 8, ec_bytes = 32, secret_bytes_min = 32;

using number_ptr = openssl_ptr<BIGNUM, BN_free>;
using build_ptr = openssl_ptr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using params_ptr = openssl_ptr<OSSL_PARAM, OSSL_PARAM_free>;
using key_context_ptr = openssl_ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using key_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;
using digest_context_ptr = openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free>;
using ecdsa_ptr = openssl_ptr<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
number_ptr number(std::string_view bytes) {
  return number_ptr{BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr)};
}

std::string text_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_string() ? std::string{v->get_string()} : std::string{};
}

std::optional<std::string> bytes_in(const json::object& o, std::string_view name) {
  return base64url_decode(text_in(o, name));
}

key_ptr public_key(const char* type, OSSL_PARAM_BLD* build) {
  const params_ptr parameters{OSSL_PARAM_BLD_to_param(build)};
  const key_context_ptr c{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* made = nullptr;
  if (parameters && c && EVP_PKEY_fromdata_init(c.get()) == 1)
    EVP_PKEY_fromdata(c.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get());
  key_ptr key{made};
  if (key) { // a point that is not on the curve, for example
    const key_context_ptr check{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)};
    if (!check || EVP_PKEY_public_check_quick(check.get()) != 1) key.reset();
  }
  ERR_clear_error();
  return key;
}

key_ptr rsa_key(const json::object& o) {
  const auto n = bytes_in(o, "n"), e = bytes_in(o, "e");
  if (!n || !e || n->size() < rsa_bytes_min || n->size() > rsa_bytes_max || e->empty() || e->size() > 8) return nullptr;
  const auto modulus = number(*n), exponent = number(*e);
  const build_ptr build{OSSL_PARAM_BLD_new()};
  if (!build || OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return public_key("RSA", build.get());
}

key_ptr ec_key(const json::object& o) {
  const auto x = bytes_in(o, "x"), y = bytes_in(o, "y");
  if (text_in(o, "crv") != "P-256" || !x || !y || x->size() != ec_bytes || y->size() != ec_bytes) return nullptr;
  const auto point = "\x04" + *x + *y; // uncompressed
  const build_ptr build{OSSL_PARAM_BLD_new()};
  if (!build || OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
    OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  return public_key("EC", build.get());
}

// Whether it is for checking signatures; both fields are optional (RFC 7517 sections 4.2, 4.3).
bool for_signatures(const json::object& o) {
  const auto use = text_in(o, "use");
  if (!use.empty() && use != "sig") return false;
  const auto* operations = o.if_contains("key_ops");
  if (operations == nullptr) return true;
  return operations->is_array() && std::ranges::any_of(operations->get_array(), [](const json::value& v) {
    return v.is_string() && v.get_string() == "verify";
  });
}

std::optional<jwk> key_of(const json::object& o, jwk_set::from where) {
  if (!for_signatures(o)) return std::nullopt;
  auto m = std::make_shared<jwk::material>();
  auto algorithm = jwt_algorithm::rs256;
  const auto type = text_in(o, "kty");
  if (type == "RSA") {
    m->key = rsa_key(o);
  } else if (type == "EC") {
    algorithm = jwt_algorithm::es256;
    m->key = ec_key(o);
  } else if (type == "oct" && where == jwk_set::from::file) {
    algorithm = jwt_algorithm::hs256;
    if (auto k = bytes_in(o, "k"); k && k->size() >= secret_bytes_min) m->secret = std::move(*k);
  }
  if (!m->key && m->secret.empty()) return std::nullopt;
  if (const auto said = text_in(o, "alg"); !said.empty() && said != to_string(algorithm)) return std::nullopt;
  return jwk{text_in(o, "kid"), algorithm, std::move(m)};
}

// The two numbers as the DER that OpenSSL reads.
std::string der_signature(std::string_view rs) {
  if (rs.size() != 2 * ec_bytes) return {};
  const ecdsa_ptr signature{ECDSA_SIG_new()};
  auto r = number(rs.substr(0, ec_bytes)), s = number(rs.substr(ec_bytes));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release()), static_cast<void>(s.release()); // they are the signature's now
  unsigned char* der = nullptr;
  const auto n = i2d_ECDSA_SIG(signature.get(), &der);
  if (n <= 0) return {};
  std::string out{reinterpret_cast<char*>(der), static_cast<std::size_t>(n)};
  OPENSSL_free(der);
  return out;
}

} // namespace

std::string_view to_string(jwt_algorithm a) noexcept {
  switch (a) {
  case jwt_algorithm::hs256: return "HS256";
  case jwt_algorithm::rs256: return "RS256";
  case jwt_algorithm::es256: return "ES256";
  }
  return "unknown";
}

bool jwk::verifies(std::string_view signed_text, std::string_view signature) const {
  if (algorithm_ == jwt_algorithm::hs256) {
    const auto mac = hmac_sha256(as_bytes(material_->secret), as_bytes(signed_text));
    return equal_constant_time(as_text(bytes_view{mac}), signature);
  }
  const auto given = algorithm_ == jwt_algorithm::es256 ? der_signature(signature) : std::string{signature};
  const digest_context_ptr c{EVP_MD_CTX_new()};
  // RSA: PKCS #1 v1.5 is the default padding, and RS256's.
  const bool good = !given.empty() && c &&
    EVP_DigestVerifyInit(c.get(), nullptr, EVP_sha256(), nullptr, material_->key.get()) == 1 &&
    EVP_DigestVerify(c.get(), raw(given), given.size(), raw(signed_text), signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

result<jwk_set> jwk_set::parse(std::string_view text, from where) {
  if (text.size() > bytes_max) return fail(ec::too_large, "a key set has more than 256 KiB");
  json::parse_options shallow;
  shallow.max_depth = 8;
  json::error_code e;
  const auto document = json::parse(text, e, {}, shallow);
  const auto* keys = !e && document.is_object() ? document.get_object().if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array())
    return fail(ec::bad_argument, R"(not a JSON Web Key Set: expected {"keys": [...]})");
  jwk_set set;
  for (const auto& k : keys->get_array()) {
    if (!k.is_object()) continue;
    if (auto key = key_of(k.get_object(), where)) set.keys_.push_back(std::move(*key));
    if (set.keys_.size() > keys_max) return fail(ec::too_large, "a key set has more than 64 keys");
  }
  if (set.keys_.empty())
    return fail(ec::bad_argument,
      "the key set has no key that can be used: RSA of 2048 to 8192 bits, EC on P-256, or, in a file, oct of 32 bytes "
      "or "
      "more");
  return set;
}

bool jwk_set::has(std::string_view id) const {
  return std::ranges::any_of(keys_, [&](const jwk& k) { return k.id() == id; });
}

} // namespace troupe
