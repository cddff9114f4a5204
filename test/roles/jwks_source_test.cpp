#include "roles/jwks_source.hpp"

#include "support/print_result.hpp"
#include "support/token_maker.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

using namespace troupe;
using troupe::test::token_maker;
using namespace std::chrono_literals;

namespace {

// Answers what a test says, and lets it wait for how often it was asked.
struct scripted_fetch {
  std::mutex mutex;
  std::condition_variable asked;
  int times = 0;
  result<std::string> next = fail(ec::unavailable, "not there yet");

  result<std::string> operator()() {
    const std::lock_guard lock{mutex};
    ++times;
    asked.notify_all();
    return next;
  }
  void set(result<std::string> r) {
    const std::lock_guard lock{mutex};
    next = std::move(r);
  }
  void wait_for(int n) {
    std::unique_lock lock{mutex};
    REQUIRE(asked.wait_for(lock, 30s, [&] { return times >= n; }));
  }
};

jwks_options options_of(scripted_fetch& f) {
  jwks_options o;
  o.where = "keys.json";
  o.interval = 1h;
  o.missed_pause = 1ms;
  o.failed_pause = 1ms;
  o.fetch = [&f](const std::string&) { return f(); };
  return o;
}

} // namespace

TEST_CASE("keys that could not be read are read again until they can be") {
  scripted_fetch f;
  jwks_source keys{options_of(f)};
  f.wait_for(3);
  CHECK(keys.get() == nullptr);
  f.set(token_maker::set(token_maker::oct_jwk("first")));
  for (const auto end = std::chrono::steady_clock::now() + 30s; !keys.get(); std::this_thread::yield())
    REQUIRE(std::chrono::steady_clock::now() < end);
  CHECK(keys.get()->has("first"));
}

TEST_CASE("a key that is not known makes the keys be read again: an issuer may change them") {
  scripted_fetch f;
  f.set(token_maker::set(token_maker::oct_jwk("first")));
  jwks_source keys{options_of(f)};
  f.wait_for(1);
  f.set(token_maker::set(token_maker::oct_jwk("second")));
  keys.missed();
  f.wait_for(2);
  keys.missed();
  f.wait_for(3); // so the second was taken in
  CHECK(keys.get()->has("second"));
  CHECK_FALSE(keys.get()->has("first"));
  f.set(std::string{"not a key set"});
  keys.missed();
  f.wait_for(4);
  keys.missed();
  f.wait_for(5);
  CHECK(keys.get()->has("second")); // what there was stays
}

TEST_CASE("keys come from a file, over TLS, or from this machine") {
  for (const auto* good : {"/etc/keys.json", "keys.json", "https://issuer/jwks", "http://127.0.0.1:81/k",
         "http://localhost/k", "http://[::1]:9/k"})
    CHECK(check_jwks_address(good));
  for (const auto* bad : {"http://issuer/jwks", "http://127.0.0.1.evil/k", "http://localhost@evil/k",
         "ftp://127.0.0.1/k", "file:///etc/passwd"})
    CHECK_FALSE(check_jwks_address(bad));
}
