#include "codec/certificate.hpp"

#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <random>
#include <set>

using namespace troupe;

namespace {

constexpr unix_ms day = 86'400'000;
constexpr unix_ms now = 1'795'219'200'000; // 2026-11-20T20:00:00Z

class seeded final : public entropy {
public:
  void fill(bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(generator_() & 0xff);
  }

private:
  std::mt19937_64 generator_{1};
};

using x509 = std::unique_ptr<X509, decltype(&X509_free)>;

x509 parse(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  return {PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), &X509_free};
}

// What OpenSSL says about a certificate at a time, for a peer that acts as server (or client) and is reached at `host`.
int verify(const std::string& authority, const std::string& pem, unix_ms at = now, const char* host = nullptr,
  int purpose = X509_PURPOSE_SSL_SERVER) {
  auto root = parse(authority), leaf = parse(pem);
  REQUIRE(root);
  REQUIRE(leaf);
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> trusted{X509_STORE_new(), &X509_STORE_free};
  X509_STORE_add_cert(trusted.get(), root.get());
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> c{X509_STORE_CTX_new(), &X509_STORE_CTX_free};
  REQUIRE(X509_STORE_CTX_init(c.get(), trusted.get(), leaf.get(), nullptr) == 1);
  auto* parameters = X509_STORE_CTX_get0_param(c.get());
  X509_VERIFY_PARAM_set_time(parameters, at / 1000);
  X509_VERIFY_PARAM_set_purpose(parameters, purpose);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  if (host != nullptr && X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1)
    X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  X509_verify_cert(c.get());
  auto verdict = X509_STORE_CTX_get_error(c.get());
  ERR_clear_error();
  return verdict;
}

certificate_and_key authority_of(entropy& random, std::uint32_t days = 3650) {
  auto made = make_certificate_authority(days, now, random);
  REQUIRE(made.has_value());
  return *made;
}

certificate_and_key issued(
  const certificate_and_key& ca, entropy& random, node_certificate_options o = {.node = "node-1"}) {
  auto made = issue_node_certificate(ca, o, now, random);
  REQUIRE(made.has_value());
  return *made;
}

} // namespace

TEST_CASE("a node's certificate is trusted by its authority's, as server and as client, and by no other") {
  seeded random;
  auto ca = authority_of(random), other = authority_of(random);
  auto node = issued(ca, random);
  CHECK(verify(ca.certificate, node.certificate) == X509_V_OK);
  CHECK(verify(ca.certificate, node.certificate, now, nullptr, X509_PURPOSE_SSL_CLIENT) == X509_V_OK);
  CHECK(verify(other.certificate, node.certificate) != X509_V_OK);
  CHECK(verify(ca.certificate, ca.certificate, now, nullptr, X509_PURPOSE_ANY) == X509_V_OK);
}

TEST_CASE("a certificate is valid from just before it was made until its days are over") {
  seeded random;
  auto ca = authority_of(random);
  auto node = issued(ca, random, {.node = "node-1", .days = 30});
  CHECK(verify(ca.certificate, node.certificate, now - 200'000) == X509_V_OK);
  CHECK(verify(ca.certificate, node.certificate, now - 400'000) == X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(verify(ca.certificate, node.certificate, now + 30 * day - 1000) == X509_V_OK);
  CHECK(verify(ca.certificate, node.certificate, now + 30 * day + 1000) == X509_V_ERR_CERT_HAS_EXPIRED);
  CHECK(read_certificate(node.certificate)->valid_until == now + 30 * day);
  CHECK(read_certificate(authority_of(random, certificate_days_max).certificate)->valid_until ==
    now + certificate_days_max * day);
}

TEST_CASE("a node's certificate never outlives its authority's, and an expired authority issues none") {
  seeded random;
  auto ca = authority_of(random, 10);
  auto node = issued(ca, random, {.node = "node-1", .days = 365});
  CHECK(read_certificate(node.certificate)->valid_until == now + 10 * day);
  auto late = issue_node_certificate(ca, {.node = "node-1"}, now + 11 * day, random);
  REQUIRE(late.has_error());
  CHECK(late.error().code == ec::precondition_failed);
}

TEST_CASE("a certificate says its node's id and hosts, which are what TLS compares") {
  seeded random;
  auto ca = authority_of(random);
  auto node =
    issued(ca, random, {.node = "node-1", .hosts = {"storage-1", "10.0.0.7", "fd00::7", "storage-1", "node-1"}});
  auto details = read_certificate(node.certificate);
  REQUIRE(details.has_value());
  CHECK(details->common_name == "node-1");
  CHECK(details->issuer == "Troupe cluster CA");
  CHECK(details->hosts == std::vector<std::string>{"node-1", "storage-1", "10.0.0.7", "fd00::7"});
  CHECK_FALSE(details->authority);
  for (auto host : {"node-1", "storage-1", "10.0.0.7", "fd00::7"})
    CHECK(verify(ca.certificate, node.certificate, now, host) == X509_V_OK);
  CHECK(verify(ca.certificate, node.certificate, now, "node-2") == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(verify(ca.certificate, node.certificate, now, "10.0.0.8") == X509_V_ERR_IP_ADDRESS_MISMATCH);
  auto authority = read_certificate(ca.certificate);
  REQUIRE(authority.has_value());
  CHECK(authority->authority);
  CHECK(authority->common_name == "Troupe cluster CA");
  CHECK(authority->hosts.empty());
}

TEST_CASE("a node cannot sign for others with its certificate") {
  seeded random;
  auto ca = authority_of(random);
  auto node = issued(ca, random);
  auto made = issue_node_certificate(node, {.node = "node-2"}, now, random);
  REQUIRE(made.has_error());
  CHECK(made.error().code == ec::corrupt);
}

TEST_CASE("serials are 128 random bits, and no two keys are alike") {
  seeded random;
  auto ca = authority_of(random);
  std::set<std::string> serials, keys;
  for (int i = 0; i < 20; ++i) {
    auto node = issued(ca, random);
    auto x = parse(node.certificate);
    std::unique_ptr<BIGNUM, decltype(&BN_free)> n{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(x.get()), nullptr), &BN_free};
    CHECK(BN_num_bits(n.get()) > 120);
    CHECK(BN_num_bits(n.get()) <= 128);
    std::array<unsigned char, 16> raw{};
    BN_bn2binpad(n.get(), raw.data(), raw.size());
    serials.emplace(raw.begin(), raw.end());
    keys.insert(node.key);
    CHECK(node.key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  }
  CHECK(serials.size() == 20);
  CHECK(keys.size() == 20);
}

TEST_CASE("an authority's certificate with another's key, or unreadable ones, issue nothing") {
  seeded random;
  auto ca = authority_of(random), other = authority_of(random);
  for (const auto& broken :
    {certificate_and_key{ca.certificate, other.key}, certificate_and_key{ca.certificate, "no key"},
      certificate_and_key{"no certificate", ca.key}, certificate_and_key{"", ""}}) {
    auto made = issue_node_certificate(broken, {.node = "node-1"}, now, random);
    REQUIRE(made.has_error());
    CHECK(made.error().code == ec::corrupt);
    CHECK(made.error().message.find("authority's") != std::string::npos);
    CHECK(made.error().message.find("PRIVATE") == std::string::npos);
    CHECK(ERR_peek_error() == 0); // the next TLS call would stumble over it
  }
}

TEST_CASE("names, hosts and days that cannot be in a certificate are refused by name") {
  seeded random;
  auto ca = authority_of(random);
  for (const auto& o : {node_certificate_options{.node = ""}, {.node = "a b"}, {.node = "a/CN=b"},
         {.node = std::string(64, 'a')}, {.node = "a", .hosts = {"DNS:b"}}, {.node = "a", .hosts = {"b,IP:10.0.0.1"}},
         {.node = "a", .hosts = {"10.0.0.0/8"}}, {.node = "a", .hosts = {""}},
         {.node = "a", .hosts = {std::string("b\0c", 3)}}, {.node = "a", .days = 0},
         {.node = "a", .days = certificate_days_max + 1}}) {
    auto made = issue_node_certificate(ca, o, now, random);
    REQUIRE(made.has_error());
    CHECK(made.error().code == ec::bad_argument);
  }
  CHECK(make_certificate_authority(0, now, random).has_error());
}

TEST_CASE("text without a certificate is not read as one") {
  seeded random;
  auto ca = authority_of(random);
  for (const auto& text :
    {std::string{}, std::string{"hello"}, ca.key, ca.certificate.substr(0, ca.certificate.size() / 2)}) {
    auto details = read_certificate(text);
    REQUIRE(details.has_error());
    CHECK(details.error().code == ec::corrupt);
  }
}

TEST_CASE("the end of a certificate comes with that of the authority that issued it, among several") {
  seeded random;
  auto old = authority_of(random, 100), other = authority_of(random, 50), long_lived = authority_of(random, 4000);
  auto node = issued(old, random, {.node = "node-1", .days = 30});
  auto ends = ends_of_certificates(node.certificate, other.certificate + old.certificate + long_lived.certificate);
  REQUIRE(ends.has_value());
  CHECK(ends->own == now + 30 * day);
  CHECK(ends->authority == now + 100 * day); // all three have one name: the signature tells
  auto between = ends_of_certificates(node.certificate, long_lived.certificate + other.certificate);
  REQUIRE(between.has_value());
  CHECK(between->authority == now + 50 * day); // none of them issued it
  CHECK(ERR_peek_error() == 0);
  CHECK(ends_of_certificates(node.certificate, "").error().code == ec::corrupt);
  CHECK(ends_of_certificates("hello", old.certificate).error().code == ec::corrupt);
  CHECK(ERR_peek_error() == 0);
}
