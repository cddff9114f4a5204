#include "roles/jwks_source.hpp"

#include "store/text_file.hpp"

#include <curl/curl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace troupe {
namespace {

using steady = std::chrono::steady_clock;

constexpr long connect_timeout_ms = 5'000, whole_timeout_ms = 10'000;

bool is_address(const std::string& where) { return where.find("://") != std::string::npos; }

// "http://127.0.0.1[:port]/..." and the like: nobody else can answer there.
bool on_loopback(const std::string& where) {
  constexpr std::string_view scheme = "http://";
  if (!where.starts_with(scheme)) return false;
  const auto rest = std::string_view{where}.substr(scheme.size());
  for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"})
    if (rest.starts_with(host) &&
      (rest.size() == host.size() || rest[host.size()] == ':' || rest[host.size()] == '/') &&
      rest.substr(0, rest.find('/')).find('@') == std::string_view::npos)
      return true;
  return false;
}

std::size_t take(char* data, std::size_t, std::size_t n, void* user) {
  auto& body = *static_cast<std::string*>(user);
  if (body.size() + n > jwk_set::bytes_max) return 0; // curl gives up
  body.append(data, n);
  return n;
}

result<std::string> over_http(const std::string& where) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> c{curl_easy_init(), &curl_easy_cleanup};
  if (!c) return fail(ec::internal, "libcurl does not start");
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(c.get(), option, value); };
  std::string body;
  set(CURLOPT_URL, where.c_str());
  set(CURLOPT_PROTOCOLS_STR, on_loopback(where) ? "http" : "https");
  if (on_loopback(where)) set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, whole_timeout_ms);
  set(CURLOPT_WRITEFUNCTION, &take);
  set(CURLOPT_WRITEDATA, &body);
  const auto code = curl_easy_perform(c.get());
  long status = 0;
  curl_easy_getinfo(c.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_WRITE_ERROR) return fail(ec::too_large, where + ": has more than 256 KiB");
  if (code != CURLE_OK) return fail(ec::unavailable, where + ": " + curl_easy_strerror(code));
  if (status != 200) return fail(ec::unavailable, where + ": answered " + std::to_string(status));
  return body;
}

result<std::string> fetch(const std::string& where) {
  return is_address(where) ? over_http(where) : read_text_file(where, jwk_set::bytes_max);
}

} // namespace

result<> check_jwks_address(const std::string& where) {
  if (!is_address(where) || where.starts_with("https://") || on_loopback(where)) return {};
  return fail(ec::bad_argument,
    "'" + where +
      "': expected a path, an https:// address, or http:// on loopback: keys over plain HTTP are anybody's");
}

struct jwks_source::impl {
  explicit impl(jwks_options o) : options(std::move(o)) {
    if (!options.fetch) options.fetch = fetch;
  }
  void run();
  void fetch_once();

  jwks_options options;
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::shared_ptr<const jwk_set> keys;
  steady::time_point fetched{}; // when that was
  bool failed = false;          // the last fetch
  bool missed = false;          // a token named an unknown key since the last one
  bool stopping = false;
  std::thread thread;
};

void jwks_source::impl::fetch_once() {
  const auto source = is_address(options.where) ? jwk_set::from::network : jwk_set::from::file;
  auto text = options.fetch(options.where);
  auto set = text ? jwk_set::parse(*text, source) : result<jwk_set>{text.error()};
  const std::lock_guard lock{mutex};
  failed = !set;
  if (set) {
    keys = std::make_shared<const jwk_set>(std::move(*set));
    fetched = steady::now();
    return;
  }
  const bool aged = keys && steady::now() - fetched > options.age_max;
  spdlog::warn("the keys of the tokens' issuer could not be read{}: {}",
    aged     ? ", those that there were are too old now"
      : keys ? ", those that there are stay"
             : ", no token is believed",
    set.error().message);
  if (aged) keys.reset();
}

void jwks_source::impl::run() {
  std::unique_lock lock{mutex};
  while (!stopping) {
    missed = false;
    lock.unlock();
    fetch_once();
    lock.lock();
    const auto began = steady::now();
    const auto pause = failed ? std::min(options.failed_pause, options.interval) : options.interval;
    const auto ended = [&] { return stopping; };
    // What tokens ask for comes sooner, but not at their pace.
    wake.wait_until(lock, began + std::min(options.missed_pause, pause), ended);
    wake.wait_until(lock, began + pause, [&] { return stopping || missed; });
  }
}

jwks_source::jwks_source(jwks_options o) : impl_(std::make_unique<impl>(std::move(o))) {
  impl_->thread = std::thread{[i = impl_.get()] { i->run(); }};
}

jwks_source::~jwks_source() {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

std::shared_ptr<const jwk_set> jwks_source::get() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->keys;
}

void jwks_source::missed() {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->missed = true;
  }
  impl_->wake.notify_all();
}

} // namespace troupe
