#include "cli/curl_exchange.hpp"

#include <algorithm>
#include <cstdlib>

namespace troupe::cli {

namespace {

constexpr std::size_t collected_bytes_max = std::size_t{16} << 20;
constexpr std::size_t header_bytes_max = std::size_t{256} << 10;
constexpr long buffer_bytes = 512 * 1024; // per read from the socket; libcurl's most

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

std::uint64_t body_size(const s3_request& r) { return r.body != nullptr ? r.body->size() : r.text.size(); }

std::size_t on_header(char* data, std::size_t, std::size_t n, void* user) {
  auto& a = *static_cast<curl_exchange*>(user);
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

std::size_t on_body(char* data, std::size_t, std::size_t n, void* user) {
  auto& a = *static_cast<curl_exchange*>(user);
  if (a.request.sink != nullptr && a.answer.status / 100 == 2) {
    if (!a.begin_sink()) return 0;
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
  auto& a = *static_cast<curl_exchange*>(user);
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
  auto& a = *static_cast<curl_exchange*>(user);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
  const auto to = static_cast<std::uint64_t>(offset);
  if (a.hooks.sent_back && to < a.sent) a.hooks.sent_back(a.sent - to);
  a.sent = to;
  return CURL_SEEKFUNC_OK;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& a = *static_cast<curl_exchange*>(user);
  if (a.hooks.tick) a.hooks.tick();
  return a.hooks.stop.stop_requested() ? 1 : 0;
}

} // namespace

bool curl_exchange::begin_sink() {
  if (sink_begun) return true;
  sink_begun = true;
  auto begun = request.sink->begin(answer);
  if (!begun) own_error = begun.error();
  return begun.has_value();
}

void prepare(CURL* curl, const connection& where, curl_exchange& a, const std::string& url, curl_slist* headers) {
  const auto& r = a.request;
  curl_easy_reset(curl); // keeps the connection
  const auto set = [curl](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
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
  if (where.skip_verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
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

} // namespace troupe::cli
