#include "cli/s3_client.hpp"

#include "base/environment.hpp"
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

constexpr std::size_t collected_bytes_max = std::size_t{16} << 20;
constexpr std::size_t header_bytes_max = std::size_t{256} << 10;
constexpr long buffer_bytes = 512 * 1024; // per read from the socket; libcurl's most
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

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.back() == '\r' || s.back() == '\n' || s.back() == ' ')) s.remove_suffix(1);
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  return s;
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

bool back_off(unsigned attempt, const std::stop_token& stop) {
  std::uint8_t jitter = 0;
  system_entropy().fill(bytes_span{reinterpret_cast<std::byte*>(&jitter), 1});
  const auto base = std::min(5000, 200 << std::min(attempt, 8u));
  const auto wait = std::chrono::milliseconds{base * (205 + jitter * 102 / 255) / 256};
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

// One attempt's progress, which libcurl's callbacks fill in.
struct attempt {
  const s3_request& request;
  const s3_client::hooks& hooks;
  s3_response answer{};
  std::size_t header_bytes = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool sink_begun = false;
  std::optional<error> own_error{}; // of the body or the sink
};

struct s3_client::state {
  connection where;
  s3_client::hooks hooks;
  CURL* curl = nullptr;

  result<s3_response> once(const s3_request&, bool& may_repeat);
  void prepare(const s3_request&, attempt&, const std::string& url, curl_slist* headers);
};

namespace {

std::uint64_t body_size(const s3_request& r) { return r.body != nullptr ? r.body->size() : r.text.size(); }

std::size_t on_header(char* data, std::size_t, std::size_t n, void* user) {
  auto& a = *static_cast<attempt*>(user);
  std::string_view const line{data, n};
  a.header_bytes += n;
  if (a.header_bytes > header_bytes_max) return 0;
  if (line.starts_with("HTTP/")) { // also after a 100 Continue: start over
    a.answer.headers.clear();
    const auto space = line.find(' ');
    a.answer.status = space == line.npos ? 0 : std::atoi(std::string{line.substr(space + 1, 3)}.c_str());
  } else if (const auto colon = line.find(':'); colon != line.npos) {
    a.answer.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return n;
}

bool begin_sink(attempt& a) {
  if (a.sink_begun) return true;
  a.sink_begun = true;
  auto begun = a.request.sink->begin(a.answer);
  if (!begun) a.own_error = begun.error();
  return begun.has_value();
}

std::size_t on_body(char* data, std::size_t, std::size_t n, void* user) {
  auto& a = *static_cast<attempt*>(user);
  a.received += n;
  if (a.request.sink != nullptr && a.answer.status / 100 == 2) {
    if (!begin_sink(a)) return 0;
    if (auto written = a.request.sink->write(as_bytes(std::string_view{data, n})); !written) {
      a.own_error = written.error();
      return 0;
    }
    return n;
  }
  if (a.answer.body.size() + n > collected_bytes_max) {
    a.own_error = fail(ec::too_large, "the server's answer is larger than 16 MiB");
    return 0;
  }
  a.answer.body.append(data, n);
  return n;
}

std::size_t on_send(char* buffer, std::size_t, std::size_t n, void* user) {
  auto& a = *static_cast<attempt*>(user);
  std::size_t given = 0;
  if (a.request.body != nullptr) {
    auto got = a.request.body->read(a.sent, bytes_span{reinterpret_cast<std::byte*>(buffer), n});
    if (!got) {
      a.own_error = got.error();
      return CURL_READFUNC_ABORT;
    }
    given = *got;
  } else {
    const auto rest = a.request.text.substr(std::min<std::size_t>(a.sent, a.request.text.size()));
    given = rest.copy(buffer, n);
  }
  a.sent += given;
  if (a.hooks.sent && given != 0) a.hooks.sent(given);
  return given;
}

int on_seek(void* user, curl_off_t offset, int origin) {
  auto& a = *static_cast<attempt*>(user);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
  const auto to = static_cast<std::uint64_t>(offset);
  if (a.hooks.sent_back && to < a.sent) a.hooks.sent_back(a.sent - to);
  a.sent = to;
  return CURL_SEEKFUNC_OK;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& a = *static_cast<attempt*>(user);
  if (a.hooks.tick) a.hooks.tick();
  return a.hooks.stop.stop_requested() ? 1 : 0;
}

error network_failure(CURLcode code, const char* detail, const connection& where) {
  const auto what = where.endpoint + ": " + (*detail != '\0' ? detail : curl_easy_strerror(code));
  switch (code) {
  case CURLE_OPERATION_TIMEDOUT: return fail(ec::timeout, what);
  case CURLE_PEER_FAILED_VERIFICATION:
    return fail(ec::bad_argument, what + " (name the certificate authority with --ca-file)");
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

void s3_client::state::prepare(const s3_request& r, attempt& a, const std::string& url, curl_slist* headers) {
  curl_easy_reset(curl); // keeps the connection
  const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(where.connect_timeout.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(where.stall_timeout.count()));
  set(CURLOPT_BUFFERSIZE, buffer_bytes);
  set(CURLOPT_UPLOAD_BUFFERSIZE, buffer_bytes);
  if (!where.ca_file.empty()) set(CURLOPT_CAINFO, where.ca_file.c_str());
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &a);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &a);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, &a);
  if (r.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (r.method == "PUT" || r.method == "POST") {
    set(CURLOPT_UPLOAD, 1L);
    if (r.method == "POST") set(CURLOPT_CUSTOMREQUEST, "POST");
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_size(r)));
    set(CURLOPT_READFUNCTION, &on_send);
    set(CURLOPT_READDATA, &a);
    set(CURLOPT_SEEKFUNCTION, &on_seek);
    set(CURLOPT_SEEKDATA, &a);
  } else if (r.method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, r.method.data()); // all methods are literals
  }
}

result<s3_response> s3_client::state::once(const s3_request& r, bool& may_repeat) {
  attempt a{.request = r, .hooks = hooks};
  // What travels over an open network is bound to the signature by its hash, or for a large body by its signed checksum.
  const auto payload =
    r.body != nullptr ? std::string{unsigned_payload} : hex_encode(bytes_view{sha256(as_bytes(r.text))});
  std::vector<header_view> signed_headers{{"host", where.host}};
  for (const auto& [name, value] : r.headers) signed_headers.push_back({name, value});
  const auto path = path_of(r.bucket, r.key);
  const auto added = sign({.method = r.method, .path = path, .query = r.query, .headers = signed_headers},
    {.access_key = where.access_key, .secret_key = where.secret_key, .region = where.region}, payload,
    system_clock_source().now());
  header_list headers;
  for (const auto& [name, value] : r.headers) append(headers, name, value);
  for (const auto& [name, value] : added) append(headers, name, value);

  prepare(r, a, where.endpoint + percent_encode(path, true) + query_text(r.query), headers.get());
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  const auto code = curl_easy_perform(curl);

  const auto again = [&](bool refused) {
    return (refused || r.again == repeat::always) && !a.sink_begun && !a.own_error;
  };
  if (code == CURLE_OK || (a.answer.status >= 300 && !a.own_error && code != CURLE_ABORTED_BY_CALLBACK)) {
    if (a.answer.status / 100 == 2) {
      // An object without bytes has no body to begin with.
      if (r.sink != nullptr && !begin_sink(a)) return *a.own_error;
      return std::move(a.answer);
    }
    may_repeat = worth_repeating(a.answer.status) && again(a.answer.status == 503);
    if (may_repeat && hooks.sent_back) hooks.sent_back(a.sent);
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
    system_clock_source().now());
  return where.endpoint + percent_encode(path, true) + '?' + query;
}

result<s3_response> s3_client::call(const s3_request& r) {
  if (state_->curl == nullptr) return fail(ec::internal, "libcurl could not be initialised");
  for (unsigned attempts = 0;; ++attempts) {
    if (state_->hooks.stop.stop_requested()) return fail(ec::closed, "interrupted");
    bool may_repeat = false;
    auto answer = state_->once(r, may_repeat);
    if (answer || !may_repeat || attempts == state_->where.retries) return answer;
    if (!back_off(attempts, state_->hooks.stop)) return fail(ec::closed, "interrupted");
  }
}

} // namespace troupe::cli
