#include "codec/certificate.hpp"

#include "codec/openssl_handles.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace troupe {
namespace {

constexpr unix_ms day_ms = 86'400'000;
constexpr unix_ms back_dated_ms = 300'000;
constexpr const char* authority_name = "Troupe cluster CA";

template <auto Free>
using free_with = openssl_free<Free>;
using x509_ptr = std::unique_ptr<X509, free_with<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_with<EVP_PKEY_free>>;
using bio_ptr = std::unique_ptr<BIO, free_with<BIO_free_all>>;
using time_ptr = std::unique_ptr<ASN1_TIME, free_with<ASN1_TIME_free>>;
using number_ptr = std::unique_ptr<BIGNUM, free_with<BN_free>>;
using integer_ptr = std::unique_ptr<ASN1_INTEGER, free_with<ASN1_INTEGER_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, free_with<X509_EXTENSION_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, free_with<GENERAL_NAMES_free>>;
using name_ptr = std::unique_ptr<GENERAL_NAME, free_with<GENERAL_NAME_free>>;
using octets_ptr = std::unique_ptr<ASN1_OCTET_STRING, free_with<ASN1_OCTET_STRING_free>>;

bio_ptr reader(std::string_view text) { return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

std::string written(BIO& b) {
  char* data = nullptr;
  auto n = BIO_get_mem_data(&b, &data);
  return {data, static_cast<std::size_t>(n)};
}

result<certificate_and_key> as_pem(X509& x, EVP_PKEY& key) {
  bio_ptr certificate{BIO_new(BIO_s_mem())}, secret{BIO_new(BIO_s_secmem())}; // the latter is wiped when freed
  if (!certificate || !secret || PEM_write_bio_X509(certificate.get(), &x) != 1 ||
    PEM_write_bio_PKCS8PrivateKey(secret.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed("cannot write a certificate");
  return certificate_and_key{.certificate = written(*certificate), .key = written(*secret)};
}

x509_ptr parse_certificate(std::string_view pem) {
  auto in = reader(pem);
  return x509_ptr{in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr};
}

key_ptr parse_key(std::string_view pem) {
  auto in = reader(pem);
  // Without a callback OpenSSL would ask for the password of an encrypted key on the terminal.
  auto no_password = [](char*, int, int, void*) { return -1; };
  return key_ptr{in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr) : nullptr};
}

bool set_serial(X509& x, entropy& random) {
  std::array<std::byte, 16> raw; // RFC 5280 allows 20 bytes; 128 random bits never meet again
  random.fill(raw);
  raw[0] |= std::byte{0x01}; // nor are they 0
  number_ptr number{BN_bin2bn(reinterpret_cast<const unsigned char*>(raw.data()), raw.size(), nullptr)};
  integer_ptr serial{number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr};
  return serial && X509_set_serialNumber(&x, serial.get()) == 1;
}

bool set_times(X509& x, unix_ms from, unix_ms until) {
  time_ptr start{ASN1_TIME_set(nullptr, from / 1000)}, end{ASN1_TIME_set(nullptr, until / 1000)};
  return start && end && X509_set1_notBefore(&x, start.get()) == 1 && X509_set1_notAfter(&x, end.get()) == 1;
}

bool set_subject(X509& x, const std::string& common_name) {
  auto* name = X509_get_subject_name(&x);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(common_name.data()), static_cast<int>(common_name.size()), -1,
           0) == 1;
}

// `value` in the words of x509v3_config(5).
bool add_extension(X509& x, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &x, nullptr, nullptr, 0);
  extension_ptr extension{X509V3_EXT_nconf_nid(nullptr, &context, nid, value)};
  return extension && X509_add_ext(&x, extension.get(), -1) == 1;
}

bool is_host_name(const std::string& text) {
  auto usable = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
      c == '_';
  };
  return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
    std::ranges::all_of(text, usable);
}

// An address or a name; null for what is neither.
name_ptr general_name(const std::string& host) {
  name_ptr name{GENERAL_NAME_new()};
  if (!name) return nullptr;
  if (octets_ptr address{a2i_IPADDRESS(host.c_str())}) {
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address.release());
    return name;
  }
  ERR_clear_error();
  if (!is_host_name(host)) return nullptr;
  ASN1_IA5STRING* text = ASN1_IA5STRING_new();
  if (text == nullptr || ASN1_STRING_set(text, host.data(), static_cast<int>(host.size())) != 1) {
    ASN1_IA5STRING_free(text);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_DNS, text);
  return name;
}

result<> add_hosts(X509& x, const node_certificate_options& o) {
  std::vector<std::string> hosts{o.node};
  for (const auto& h : o.hosts)
    if (std::ranges::find(hosts, h) == hosts.end()) hosts.push_back(h);
  names_ptr names{GENERAL_NAMES_new()};
  for (const auto& h : hosts) {
    auto name = general_name(h);
    if (!name) return fail(ec::bad_argument, "'" + h + "' is neither a host name nor an IP address");
    if (!names || sk_GENERAL_NAME_push(names.get(), name.get()) <= 0) return openssl_failed("cannot add a host name");
    name.release();
  }
  if (X509_add1_ext_i2d(&x, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return openssl_failed("cannot add the host names");
  return {};
}

result<> check_days(std::uint32_t days) {
  if (days >= 1 && days <= certificate_days_max) return {};
  return fail(ec::bad_argument,
    "a certificate is valid for 1 to " + std::to_string(certificate_days_max) + " days, not " + std::to_string(days));
}

std::string common_name_of(const X509_NAME* name) {
  auto at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  auto n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  std::string text{n > 0 ? reinterpret_cast<const char*>(utf8) : "", n > 0 ? static_cast<std::size_t>(n) : 0};
  OPENSSL_free(utf8);
  return text;
}

std::string bytes_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::vector<std::string> hosts_of(const X509& x) {
  std::vector<std::string> hosts;
  names_ptr names{static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&x, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type == GEN_DNS) hosts.push_back(bytes_of(static_cast<const ASN1_STRING*>(value)));
    if (type != GEN_IPADD) continue;
    auto raw = bytes_of(static_cast<const ASN1_STRING*>(value));
    char text[INET6_ADDRSTRLEN];
    if ((raw.size() == 4 || raw.size() == 16) &&
      ::inet_ntop(raw.size() == 4 ? AF_INET : AF_INET6, raw.data(), text, sizeof text) != nullptr)
      hosts.emplace_back(text);
  }
  return hosts;
}

unix_ms time_of(const ASN1_TIME* t) {
  std::tm parts{};
  return ASN1_TIME_to_tm(t, &parts) == 1 ? unix_ms{::timegm(&parts)} * 1000 : 0;
}

} // namespace

result<certificate_and_key> make_certificate_authority(std::uint32_t days, unix_ms now, entropy& random) {
  TROUPE_TRY(check_days(days));
  key_ptr key{EVP_EC_gen("P-256")};
  x509_ptr x{X509_new()};
  if (!key || !x || X509_set_version(x.get(), X509_VERSION_3) != 1 || !set_serial(*x, random) ||
    !set_times(*x, now - back_dated_ms, now + days * day_ms) || !set_subject(*x, authority_name) ||
    X509_set_issuer_name(x.get(), X509_get_subject_name(x.get())) != 1 || X509_set_pubkey(x.get(), key.get()) != 1 ||
    !add_extension(*x, *x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
    !add_extension(*x, *x, NID_key_usage, "critical,keyCertSign") ||
    !add_extension(*x, *x, NID_subject_key_identifier, "hash") || X509_sign(x.get(), key.get(), EVP_sha256()) <= 0)
    return openssl_failed("cannot make a certificate authority");
  return as_pem(*x, *key);
}

result<certificate_and_key> issue_node_certificate(
  const certificate_and_key& authority, const node_certificate_options& o, unix_ms now, entropy& random) {
  TROUPE_TRY(check_days(o.days));
  if (o.node.size() > 63 || !is_host_name(o.node))
    return fail(ec::bad_argument, "'" + o.node + "' cannot be the name in a certificate: at most 63 of a-z 0-9 . _ -");
  auto issuer = parse_certificate(authority.certificate);
  if (!issuer) return openssl_failed("the authority's certificate is unreadable", ec::corrupt);
  auto issuer_key = parse_key(authority.key);
  if (!issuer_key) return openssl_failed("the authority's key is unreadable, or encrypted", ec::corrupt);
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
    return openssl_failed("the authority's key is that of another certificate", ec::corrupt);
  if (X509_check_ca(issuer.get()) != 1)
    return fail(ec::corrupt, "the authority's certificate is that of a node: it may not sign others");
  auto ends = time_of(X509_get0_notAfter(issuer.get()));
  if (ends <= now) return fail(ec::precondition_failed, "the authority's certificate has expired");

  key_ptr key{EVP_EC_gen("P-256")};
  x509_ptr x{X509_new()};
  if (!key || !x || X509_set_version(x.get(), X509_VERSION_3) != 1 || !set_serial(*x, random) ||
    !set_times(*x, now - back_dated_ms, std::min(ends, now + o.days * day_ms)) || !set_subject(*x, o.node) ||
    X509_set_issuer_name(x.get(), X509_get_subject_name(issuer.get())) != 1 ||
    X509_set_pubkey(x.get(), key.get()) != 1 ||
    !add_extension(*x, *issuer, NID_basic_constraints, "critical,CA:FALSE") ||
    !add_extension(*x, *issuer, NID_key_usage, "critical,digitalSignature") ||
    !add_extension(*x, *issuer, NID_ext_key_usage, "serverAuth,clientAuth") ||
    !add_extension(*x, *issuer, NID_subject_key_identifier, "hash") ||
    !add_extension(*x, *issuer, NID_authority_key_identifier, "keyid:always"))
    return openssl_failed("cannot make a certificate");
  TROUPE_TRY(add_hosts(*x, o));
  if (X509_sign(x.get(), issuer_key.get(), EVP_sha256()) <= 0) return openssl_failed("cannot sign the certificate");
  return as_pem(*x, *key);
}

result<certificate_details> read_certificate(std::string_view pem) {
  auto x = parse_certificate(pem);
  if (!x) return openssl_failed("there is no certificate in it", ec::corrupt);
  return describe_certificate(*x);
}

result<certificate_details> describe_certificate(const x509_st& x) {
  certificate_details d{
    .common_name = common_name_of(X509_get_subject_name(&x)),
    .issuer = common_name_of(X509_get_issuer_name(&x)),
    .hosts = hosts_of(x),
    .authority = X509_check_ca(const_cast<X509*>(&x)) == 1, // it caches what it parsed
    .valid_from = time_of(X509_get0_notBefore(&x)),
    .valid_until = time_of(X509_get0_notAfter(&x)),
  };
  ERR_clear_error();
  if (d.common_name.empty()) return fail(ec::corrupt, "the certificate has no common name");
  return d;
}

unix_ms end_of_certificate(const x509_st& x) { return time_of(X509_get0_notAfter(&x)); }

result<certificate_ends> ends_of_certificates(std::string_view pem, std::string_view authorities) {
  auto own = parse_certificate(pem);
  if (!own) return openssl_failed("there is no certificate in it", ec::corrupt);
  const auto in = reader(authorities);
  std::optional<unix_ms> issuer, first;
  while (x509_ptr next{in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr}) {
    const auto end = end_of_certificate(*next);
    first = std::min(first.value_or(end), end);
    if (X509_check_issued(next.get(), own.get()) == X509_V_OK &&
      X509_verify(own.get(), X509_get0_pubkey(next.get())) == 1)
      issuer = std::max(issuer.value_or(end), end);
  }
  ERR_clear_error(); // the end of the text is one
  if (!first) return fail(ec::corrupt, "there is no authority in it");
  return certificate_ends{.own = end_of_certificate(*own), .authority = issuer.value_or(*first)};
}

} // namespace troupe
