#include "roles/front_certificate.hpp"

#include "support/captured_log.hpp"
#include "support/certificates.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

class set_clock final : public wall_clock {
public:
  explicit set_clock(unix_ms t) : now_(t) {}
  unix_ms now() const override { return now_; }

private:
  unix_ms now_;
};

https_settings settings_of(const net::certificate_files& files) {
  https_settings s;
  s.certificate = files.certificate;
  s.key = files.key;
  s.refresh = 5ms;
  return s;
}

// The log of a start at a time this long before the certificate's end.
std::unique_ptr<captured_log> log_of_start(const net::certificate_files& files, unix_ms before_end) {
  auto log = std::make_unique<captured_log>();
  auto end = net::server_certificate::load(files).value()->valid_until();
  set_clock clock{end - before_end};
  REQUIRE(front_certificate::start(settings_of(files), clock));
  return log;
}

constexpr unix_ms day = 86'400'000;

} // namespace

TEST_CASE("without files no front door has a certificate, with them those that are not plain") {
  auto none = front_certificate::start({}, system_clock_source());
  REQUIRE(none);
  CHECK((*none)->of("s3") == nullptr);
  CHECK_FALSE((*none)->end_of());
  certificates made;
  auto settings = settings_of(made.write("a"));
  settings.plain = {"console"};
  auto some = front_certificate::start(settings, system_clock_source());
  REQUIRE(some);
  CHECK((*some)->of("s3") != nullptr);
  CHECK((*some)->of("shards") == (*some)->of("s3"));
  CHECK((*some)->of("console") == nullptr);
  CHECK((*some)->end_of()() == (*some)->of("s3")->valid_until());
}

TEST_CASE("files that can not be used keep it from starting") {
  certificates made;
  auto files = made.write("a");
  std::filesystem::remove(files.key);
  auto started = front_certificate::start(settings_of(files), system_clock_source());
  REQUIRE_FALSE(started);
  CHECK(started.error().message == "https: " + files.key + ": no such file");
}

TEST_CASE("replaced files are noticed, and those that can not be used are complained about once") {
  certificates made;
  auto files = made.write("a");
  captured_log log;
  {
    auto started = front_certificate::start(settings_of(files), system_clock_source());
    REQUIRE(started);
    auto shown = (*started)->of("s3");
    auto first = shown->context();
    certificates::write_text(files.key, "no key");
    REQUIRE(comes_true([&] { return log.has("new files are not used"); }));
    CHECK(shown->context() == first);
    made.write("a", "renewed");
    REQUIRE(comes_true([&] { return shown->version() == 2; }));
    CHECK(read_certificate(shown->pem().certificate).value().common_name == "renewed");
  }
  CHECK(log.has("the files of the certificate were replaced"));
  CHECK(log.count("new files are not used") <= 2); // the second: looked at between the renewed certificate and its key
}

TEST_CASE("an end that is near or past is warned about, and so is a key that everybody may read") {
  certificates made;
  auto files = made.write("a");
  CHECK(log_of_start(files, 5 * day)->has("expires on"));
  CHECK(log_of_start(files, -day)->has("has expired"));
  auto fresh = log_of_start(files, 15 * day);
  CHECK(fresh->has("is valid until"));
  std::filesystem::permissions(files.key, std::filesystem::perms::owner_read);
  CHECK_FALSE(log_of_start(files, 15 * day)->has("may be read by everybody"));
  std::filesystem::permissions(files.key, std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  CHECK(log_of_start(files, 15 * day)->has("may be read by everybody"));
}
