#include "net/server_certificate.hpp"

#include "store/text_file.hpp"
#include "support/certificates.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace troupe;
using namespace troupe::test;

namespace {

std::string text_of(const std::string& path) { return read_text_file(path, 1 << 20).value(); }
std::string refusal(const net::certificate_files& files) {
  auto loaded = net::server_certificate::load(files);
  return loaded ? "" : loaded.error().message;
}

} // namespace

TEST_CASE("a certificate and its key are taken, with what they hold") {
  certificates made;
  auto files = made.write("a");
  auto loaded = net::server_certificate::load(files);
  REQUIRE(loaded);
  CHECK((*loaded)->pem().certificate == text_of(files.certificate));
  CHECK((*loaded)->pem().key == text_of(files.key));
  CHECK((*loaded)->version() == 1);
  CHECK((*loaded)->context() != nullptr);
  CHECK((*loaded)->valid_until() == read_certificate(text_of(files.certificate)).value().valid_until);
}

TEST_CASE("what can not be used is refused, with the file and the reason") {
  certificates made;
  auto good = made.write("good"), other = made.write("other");
  auto missing = made.path("missing.pem");
  CHECK(refusal({.certificate = missing, .key = good.key}) == missing + ": no such file");
  CHECK(refusal({.certificate = good.certificate, .key = missing}) == missing + ": no such file");
  CHECK(refusal({.certificate = good.certificate, .key = other.key}) ==
    other.key + ": is not the key of the certificate in " + good.certificate);
  CHECK(refusal({.certificate = good.key, .key = good.key}).starts_with(good.key + ": is no certificate in PEM form"));
  CHECK(refusal({.certificate = good.certificate, .key = good.certificate})
          .starts_with(good.certificate + ": is no private key in PEM form"));
  auto cut = made.path("cut.pem");
  auto whole = text_of(good.certificate);
  certificates::write_text(cut, whole.substr(0, whole.size() / 2));
  CHECK(refusal({.certificate = cut, .key = good.key}).starts_with(cut + ": is no certificate in PEM form"));
  certificates::write_text(cut, whole + whole.substr(0, whole.size() / 2)); // within the chain
  CHECK(refusal({.certificate = cut, .key = good.key}).starts_with(cut + ": is no certificate in PEM form"));
  certificates::write_text(cut, "");
  CHECK(refusal({.certificate = cut, .key = good.key}).starts_with(cut + ": is no certificate in PEM form"));
  auto long_chain = made.path("long.pem");
  std::string many;
  for (int i = 0; i < 17; ++i) many += whole;
  certificates::write_text(long_chain, many);
  CHECK(refusal({.certificate = long_chain, .key = good.key}) == long_chain + ": has more than 16 certificates");
  certificates::write_text(long_chain, std::string(300'000, 'x'));
  CHECK(refusal({.certificate = long_chain, .key = good.key}) == long_chain + ": has more than 262144 bytes");
}

TEST_CASE("no message shows what is in a key file") {
  certificates made;
  auto files = made.write("a");
  auto secret = text_of(files.key).substr(60, 20);
  auto broken = made.path("broken.key");
  certificates::write_text(broken, text_of(files.key).substr(0, 120));
  auto said = refusal({.certificate = files.certificate, .key = broken});
  CHECK(!said.empty());
  CHECK(said.find(secret) == std::string::npos);
}

TEST_CASE("replaced files are taken when they fit together, and not before") {
  certificates made;
  auto files = made.write("a");
  auto loaded = net::server_certificate::load(files).value();
  CHECK_FALSE(loaded->refresh().value());
  auto first = loaded->context();
  auto old = loaded->pem();

  auto next = made.write("next", "renewed");
  certificates::write_text(files.certificate, text_of(next.certificate)); // the key is still the old one
  auto half = loaded->refresh();
  REQUIRE_FALSE(half);
  CHECK(half.error().message == files.key + ": is not the key of the certificate in " + files.certificate);
  CHECK(loaded->context() == first);
  CHECK(loaded->pem().key == old.key);
  CHECK(loaded->version() == 1);

  certificates::write_text(files.key, text_of(next.key));
  CHECK(loaded->refresh().value());
  CHECK(loaded->version() == 2);
  CHECK(loaded->context() != first);
  CHECK(loaded->pem().certificate == text_of(next.certificate));
  CHECK_FALSE(loaded->refresh().value());

  std::filesystem::remove(files.key);
  CHECK(loaded->refresh().error().message == files.key + ": no such file");
  CHECK(loaded->version() == 2);
}

TEST_CASE("a file that everybody may read is known from one that its group may") {
  certificates made;
  auto key = made.write("a").key;
  using std::filesystem::perms;
  std::filesystem::permissions(key, perms::owner_read | perms::group_read);
  CHECK_FALSE(is_readable_by_everybody(key));
  std::filesystem::permissions(key, perms::owner_read | perms::others_read);
  CHECK(is_readable_by_everybody(key));
  CHECK_FALSE(is_readable_by_everybody(made.path("missing")));
}
