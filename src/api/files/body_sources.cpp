#include "api/files/body_sources.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::files {

http::task<std::size_t> memory_source::read(bytes_span dst) {
  const auto n = std::min(dst.size(), content_.size() - at_);
  if (n != 0) std::memcpy(dst.data(), content_.data() + at_, n);
  at_ += n;
  co_return n;
}

http::task<std::size_t> prefixed_source::read(bytes_span dst) {
  const auto n = co_await prefix_.read(dst);
  if (n != 0) co_return n;
  co_return co_await rest_.read(dst);
}

http::task<std::size_t> hashing_source::read(bytes_span dst) {
  const auto n = co_await from_.read(dst);
  hash_.add(bytes_view{dst}.first(n));
  co_return n;
}

http::task<> form_source::begin() {
  constexpr std::size_t step = std::size_t{4} << 10;
  std::string start;
  for (;;) {
    auto head = parse_form_head(start, boundary_);
    if (!head) throw http::api_error{head.error()};
    if (*head) {
      head_ = std::move(**head);
      break;
    }
    if (start.size() >= form_head_bytes_max)
      throw http::api_error{ec::bad_request, "the form has more than 16 KiB before its file"};
    const auto have = start.size();
    start.resize(have + step);
    const auto n = co_await wire_.read({reinterpret_cast<std::byte*>(start.data()) + have, step});
    if (n == 0) throw http::api_error{ec::bad_request, "the form ends before its file"};
    start.resize(have + n);
  }
  if (body_bytes_ < head_.bytes + end_.size())
    throw http::api_error{ec::bad_request, "the form ends without its boundary"};
  size_ = left_ = body_bytes_ - head_.bytes - end_.size();
  early_ = start.substr(head_.bytes);
}

// A delimiter inside the content: the file is not the last field, and its size is not known.
void form_source::search(bytes_view content) {
  const auto delimiter = std::string_view{end_}.substr(0, end_.size() - 4); // without "--\r\n"
  const auto text = as_text(content);
  const auto joint = seam_ + std::string{text.substr(0, delimiter.size() - 1)};
  if (joint.find(delimiter) != joint.npos || text.find(delimiter) != text.npos)
    throw http::api_error{ec::bad_request, "the file has to be the last field of the form"};
  seam_ += text.substr(text.size() - std::min(text.size(), delimiter.size() - 1));
  if (seam_.size() >= delimiter.size()) seam_.erase(0, seam_.size() - delimiter.size() + 1);
}

http::task<> form_source::read_end() {
  auto rest = early_;
  early_.clear();
  while (rest.size() <= end_.size()) { // one byte more than there may be
    const auto have = rest.size();
    rest.resize(end_.size() + 1);
    const auto n = co_await wire_.read({reinterpret_cast<std::byte*>(rest.data()) + have, rest.size() - have});
    rest.resize(have + n);
    if (n == 0) break;
  }
  if (rest != end_)
    throw http::api_error{ec::bad_request, "the form does not end with its boundary behind the file, and a line's end"};
  ended_ = true;
}

http::task<std::size_t> form_source::read(bytes_span dst) {
  if (left_ == 0) {
    if (!ended_) co_await read_end();
    co_return 0;
  }
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>(dst.size(), left_));
  if (n == 0) co_return 0;
  if (!early_.empty()) {
    n = std::min(n, early_.size());
    std::memcpy(dst.data(), early_.data(), n);
    early_.erase(0, n);
  } else {
    n = co_await wire_.read(dst.first(n));
    if (n == 0) throw http::api_error{ec::incomplete_body, "the form ended in its file"};
  }
  left_ -= n;
  search(bytes_view{dst}.first(n));
  co_return n;
}

} // namespace troupe::files
