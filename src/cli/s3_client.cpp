#include "cli/s3_client.hpp"

#include "cli/console_failure.hpp"
#include "cli/curl_exchange.hpp"
#include "cli/s3_failure.hpp"
#include "codec/digest.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <curl/curl.h>
#include <mutex>
#include <optional>

namespace troupe::cli {

namespace {

constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

struct free_list {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using header_list = std::unique_ptr<curl_slist, free_list>;

void append(header_list& list, const std::string& name, const std::string& value) {
  const auto line = value.empty() ? name + ';' : name + ": " + value; // libcurl's way to send an empty one
  if (auto* const longer = curl_slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

std::string path_of(std::string_view bucket, std::string_view key) {
  std::string path{"/"};
  path += bucket;
  if (!key.empty()) (path += '/') += key;
  return path;
}

std::string query_text(const name_values& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text += text.empty() ? '?' : '&';
    text += percent_encode(name, false);
    if (!value.empty()) (text += '=') += percent_encode(value, false);
  }
  return text;
}

// libcurl is initialised once for the process, before the first client's threads.
bool curl_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

} // namespace

bool back_off(const connection& where, unsigned attempt, const std::stop_token& stop) {
  std::uint8_t jitter = 0;
  system_entropy().fill(bytes_span{reinterpret_cast<std::byte*>(&jitter), 1});
  constexpr std::chrono::microseconds longest = std::chrono::seconds{5};
  const auto doubled =
    std::min<std::chrono::microseconds>(longest, where.first_back_off * (1 << std::min(attempt, 12u)));
  const auto wait = doubled * (205 + jitter * 102 / 255) / 256;
  std::mutex m;
  std::condition_variable_any wake;
  std::unique_lock lock{m};
  wake.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

std::string_view s3_response::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

struct s3_client::state {
  connection where;
  s3_client::hooks hooks;
  CURL* curl = nullptr;

  result<s3_response> once(const s3_request&, bool& may_repeat);
};

namespace {

error network_failure(CURLcode code, const char* detail, const connection& where) {
  const auto what = where.endpoint + ": " + (*detail != '\0' ? detail : curl_easy_strerror(code));
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT: return fail(ec::timeout, what);
  case CURLE_PEER_FAILED_VERIFICATION:
    return fail(ec::incompatible, what + " (name the certificate authority with --ca-cert, or TROUPE_CA_CERT)");
  case CURLE_SSL_CACERT_BADFILE:
    return fail(ec::bad_argument, where.ca_file + ": has no certificate authorities in PEM form");
  default: return fail(ec::unavailable, what);
  }
}

// Nothing of the request can have been acted on.
bool never_sent(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_SSL_CONNECT_ERROR;
}

bool worth_repeating(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_CONNECT:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_PARTIAL_FILE: return true;
  default: return false;
  }
}

// An answer that may be different next time. S3 also uses 400 RequestTimeout for a body that came too slowly.
bool worth_repeating(int status) { return status == 429 || (status >= 500 && status != 501 && status != 507); }

} // namespace

result<s3_response> s3_client::state::once(const s3_request& r, bool& may_repeat) {
  curl_exchange a{.request = r, .hooks = hooks};
  // What travels over an open network is bound to the signature by its hash, or for a large body by its signed checksum.
  const auto payload =
    r.body != nullptr ? std::string{unsigned_payload} : hex_encode(bytes_view{sha256(as_bytes(r.text))});
  std::vector<header_view> signed_headers{{"host", where.host}};
  for (const auto& [name, value] : r.headers) signed_headers.push_back({name, value});
  const auto path = path_of(r.bucket, r.key);
  const auto added = sign({.method = r.method, .path = path, .query = r.query, .headers = signed_headers},
    {.access_key = where.access_key, .secret_key = where.secret_key, .region = where.region, .service = where.service},
    payload, hooks.clock->now());
  header_list headers;
  for (const auto& [name, value] : r.headers) append(headers, name, value);
  for (const auto& [name, value] : added) append(headers, name, value);

  prepare(curl, where, a, where.endpoint + percent_encode(path, true) + query_text(r.query), headers.get());
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  const auto code = curl_easy_perform(curl);

  const auto again = [&](bool refused) {
    return (refused || r.again == repeat::always) && !a.sink_begun && !a.own_error;
  };
  if (code == CURLE_OK || (a.answer.status >= 300 && !a.own_error && code != CURLE_ABORTED_BY_CALLBACK)) {
    if (a.answer.status / 100 == 2) {
      // An object without bytes has no body to begin with.
      if (r.sink != nullptr && !a.begin_sink()) return *a.own_error;
      return std::move(a.answer);
    }
    may_repeat = worth_repeating(a.answer.status) && again(a.answer.status == 503);
    if (may_repeat && hooks.sent_back) hooks.sent_back(a.sent);
    if (a.answer.header("content-type") == "application/json")
      return console_failure_of(a.answer.status, a.answer.body);
    return failure_of(a.answer.status, a.answer.body, a.answer.header("x-amz-request-id"));
  }
  if (a.own_error) return *std::move(a.own_error);
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ec::closed, "interrupted");
  may_repeat = worth_repeating(code) && again(never_sent(code));
  if (may_repeat && hooks.sent_back) hooks.sent_back(a.sent);
  return network_failure(code, detail.data(), where);
}

s3_client::s3_client(const connection& c, hooks h) : state_(std::make_unique<state>()) {
  state_->where = c;
  state_->hooks = std::move(h);
  if (curl_ready()) state_->curl = curl_easy_init();
}

s3_client::~s3_client() { curl_easy_cleanup(state_->curl); }

const connection& s3_client::where() const { return state_->where; }

result<std::string> s3_client::presign(
  std::string_view method, std::string_view bucket, std::string_view key, std::uint32_t seconds) const {
  constexpr std::uint32_t seconds_max = 7 * 86'400; // S3's limit
  if (seconds == 0 || seconds > seconds_max)
    return fail(ec::bad_argument, "a presigned URL lives for 1 to 604800 seconds, not " + std::to_string(seconds));
  const auto path = path_of(bucket, key);
  const auto& where = state_->where;
  const std::array headers{header_view{"host", where.host}};
  const auto query = troupe::presign({.method = method, .path = path, .query = {}, .headers = headers},
    {.access_key = where.access_key, .secret_key = where.secret_key, .region = where.region}, seconds,
    state_->hooks.clock->now());
  return where.endpoint + percent_encode(path, true) + '?' + query;
}

result<s3_response> s3_client::call(const s3_request& r) {
  if (state_->curl == nullptr) return fail(ec::internal, "libcurl could not be initialised");
  for (unsigned attempts = 0;; ++attempts) {
    if (state_->hooks.stop.stop_requested()) return fail(ec::closed, "interrupted");
    bool may_repeat = false;
    auto answer = state_->once(r, may_repeat);
    if (answer || !may_repeat || attempts == state_->where.retries) return answer;
    if (!back_off(state_->where, attempts, state_->hooks.stop)) return fail(ec::closed, "interrupted");
  }
}

} // namespace troupe::cli
