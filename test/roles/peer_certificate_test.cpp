#include "roles/peer_certificate.hpp"

#include "support/captured_log.hpp"
#include "support/certificates.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;

namespace {

constexpr unix_ms peer_day = 86'400'000;

class moved_clock final : public wall_clock {
public:
  unix_ms now() const override { return at; }
  std::atomic<unix_ms> at = system_clock_source().now();
};

struct watched_node {
  explicit watched_node(std::uint32_t authority_days) : authority_days_(authority_days) {
    authority = make_certificate_authority(authority_days_, clock.now(), system_entropy()).value();
    certificates::write_text(options.ca, authority.certificate);
  }
  void issue(std::uint32_t days) {
    auto made =
      issue_node_certificate(authority, {.node = "node-1", .hosts = {}, .days = days}, clock.now(), system_entropy());
    auto aside = options.certificate + ".new";
    certificates::write_text(aside, made.value().certificate);
    std::filesystem::rename(aside, options.certificate);
  }

  certificates files;
  moved_clock clock;
  std::uint32_t authority_days_;
  certificate_and_key authority;
  peer_certificate_options options{
    .certificate = files.path("node-1.pem"), .ca = files.path("authority.pem"), .interval = 5ms};
};

bool about(unix_ms end, unix_ms wanted) { return std::abs(end - wanted) < 2'000; } // X.509 counts seconds

} // namespace

TEST_CASE("a node knows when its certificate and its authority end, and says so when that is near") {
  watched_node n{365};
  n.issue(40);
  const auto began = n.clock.now();
  captured_log log;
  std::function<unix_ms()> own, authority;
  {
    peer_certificate watched{n.options, n.clock};
    own = watched.end_of_own();
    authority = watched.end_of_authority();
    CHECK(about(own(), began + 40 * peer_day));
    CHECK(about(authority(), began + 365 * peer_day));
    CHECK(log.count("is valid until") == 2);
    CHECK_FALSE(log.has("expires on"));
    n.clock.at = began + 11 * peer_day;
    REQUIRE(comes_true([&] { return log.has("node-1.pem expires on"); }));
    n.clock.at = began + 41 * peer_day;
    REQUIRE(comes_true([&] { return log.has("node-1.pem has expired"); }));
    CHECK(log.count("expires on") == 1);
    n.issue(365); // cut short where the authority ends
    REQUIRE(comes_true([&] { return own() == authority(); }));
  }
  CHECK(own() == authority()); // metrics may ask a moment longer
  CHECK_FALSE(log.has("authority.pem expires"));
}

TEST_CASE("an authority that ends soon is told as well") {
  watched_node n{20};
  n.issue(10);
  captured_log log;
  peer_certificate watched{n.options, n.clock};
  CHECK(log.has("the authority in " + n.options.ca + " expires on"));
}

TEST_CASE("files that can not be read are told once, and what was known stays") {
  watched_node n{365};
  captured_log log;
  peer_certificate watched{n.options, n.clock};
  CHECK(watched.end_of_own()() == 0);
  CHECK(log.count("node-1.pem: no such file") == 1);
  n.issue(100);
  REQUIRE(comes_true([&] { return watched.end_of_own()() != 0; }));
  const auto known = watched.end_of_own()();
  certificates::write_text(n.options.certificate, "no certificate");
  REQUIRE(comes_true([&] { return log.has("there is no certificate in it"); }));
  CHECK(watched.end_of_own()() == known);
  CHECK(log.count("new connections to other nodes fail") == 2);
}
