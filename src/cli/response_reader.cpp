#include "cli/response_reader.hpp"

#include <charconv>

namespace troupe::cli {

namespace {

constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t error_bytes_kept = 1024;
constexpr std::string_view last_chunk = "0\r\n\r\n";

bool same(std::string_view a, std::string_view lower_case) {
  if (a.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i != a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower_case[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

} // namespace

void response_reader::reset() {
  head_.clear();
  error_body_.clear();
  tail_.clear();
  left_ = body_bytes_ = 0;
  status_ = 0;
  framing_ = framing::length;
  begun_ = in_body_ = false;
  keep_alive_ = true;
}

response_reader::progress response_reader::take(std::string_view data) {
  if (!data.empty()) begun_ = true;
  if (in_body_) return take_body(data);
  // Usually the whole head is in one piece and need not be copied.
  std::string_view all = data;
  if (!head_.empty()) {
    head_ += data;
    all = head_;
  }
  const auto end = all.find("\r\n\r\n");
  if (end == all.npos) {
    if (all.size() > head_bytes_max) return progress::broken;
    if (head_.empty()) head_ = data;
    return progress::more;
  }
  if (!parse_head(all.substr(0, end + 2))) return progress::broken;
  auto rest = all.substr(end + 4);
  if (status_ / 100 == 1) { // an interim answer: the real one follows
    const std::string following{rest};
    reset();
    return following.empty() ? progress::more : take(following);
  }
  in_body_ = true;
  return take_body(rest);
}

bool response_reader::parse_head(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 12) return false;
  if (const auto [at, fault] = std::from_chars(head.data() + 9, head.data() + 12, status_);
      fault != std::errc{} || at != head.data() + 12)
    return false;
  keep_alive_ = head[7] == '1';
  framing_ = status_ == 204 || status_ == 304 || status_ / 100 == 1 ? framing::length : framing::until_close;
  for (auto rest = head.substr(head.find("\r\n") + 2); !rest.empty();) {
    const auto line_end = rest.find("\r\n");
    const auto line = rest.substr(0, line_end);
    rest = line_end == rest.npos ? std::string_view{} : rest.substr(line_end + 2);
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (same(name, "content-length") && framing_ != framing::chunked) {
      if (const auto [at, fault] = std::from_chars(value.data(), value.data() + value.size(), left_);
          fault != std::errc{} || at != value.data() + value.size())
        return false;
      framing_ = framing::length;
    } else if (same(name, "transfer-encoding") && same(value, "chunked")) {
      framing_ = framing::chunked;
    } else if (same(name, "connection") && same(value, "close")) {
      keep_alive_ = false;
    }
  }
  if (framing_ == framing::until_close) keep_alive_ = false;
  return true;
}

response_reader::progress response_reader::take_body(std::string_view data) {
  if (status_ >= 300 && error_body_.size() < error_bytes_kept)
    error_body_ += data.substr(0, error_bytes_kept - error_body_.size());
  body_bytes_ += data.size();
  switch (framing_) {
  case framing::length:
    if (data.size() > left_) return progress::broken; // nothing was asked for that could follow
    left_ -= data.size();
    return left_ == 0 ? progress::complete : progress::more;
  case framing::chunked: // without trailers, and nothing is pipelined: the last chunk is the end of what came
    tail_ += data.substr(data.size() - std::min(data.size(), last_chunk.size()));
    if (tail_.size() > last_chunk.size()) tail_.erase(0, tail_.size() - last_chunk.size());
    return tail_ == last_chunk ? progress::complete : progress::more;
  case framing::until_close: return progress::more;
  }
  return progress::broken;
}

response_reader::progress response_reader::ended() {
  return in_body_ && framing_ == framing::until_close ? progress::complete : progress::broken;
}

std::string response_reader::error_kind() const {
  constexpr std::string_view open = "<Code>";
  const auto from = error_body_.find(open);
  const auto to = error_body_.find("</Code>", from == error_body_.npos ? 0 : from);
  if (from == error_body_.npos || to == error_body_.npos || to - from > 64) return "HTTP " + std::to_string(status_);
  return error_body_.substr(from + open.size(), to - from - open.size());
}

} // namespace troupe::cli
