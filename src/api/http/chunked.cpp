#include "api/http/chunked.hpp"

#include <limits>

namespace troupe::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What may stand in an extension or a trailer line: no control characters but tab.
bool text_char(char c) {
  auto u = static_cast<unsigned char>(c);
  return (u >= 0x20 && u != 0x7f) || c == '\t';
}

} // namespace

std::size_t chunked_decoder::put(std::string_view in) {
  std::size_t n = 0;
  while (n < in.size() && at_ != state::data && at_ != state::done && at_ != state::bad) at_ = step(in[n++]);
  return n;
}

void chunked_decoder::took(std::uint64_t n) {
  left_ -= n;
  if (left_ == 0) at_ = state::data_cr;
}

chunked_decoder::state chunked_decoder::size_digit(char c, bool first) {
  if (int v = hex_value(c); v >= 0) {
    if (left_ > (std::numeric_limits<std::uint64_t>::max() >> 4)) return state::bad;
    left_ = (left_ << 4) | static_cast<std::uint64_t>(v);
    return state::size;
  }
  if (first) return state::bad;
  if (c == ';') return state::extension;
  return c == '\r' ? state::size_lf : state::bad;
}

chunked_decoder::state chunked_decoder::step(char c) {
  switch (at_) {
  case state::size_first:
    left_ = 0;
    extra_ = 0;
    return size_digit(c, true);
  case state::size: return size_digit(c, false);
  case state::extension:
    if (c == '\r') return state::size_lf;
    return text_char(c) && ++extra_ <= extension_bytes_max ? state::extension : state::bad;
  case state::size_lf:
    if (c != '\n') return state::bad;
    extra_ = 0;
    return left_ != 0 ? state::data : state::trailer_start;
  case state::data_cr: return c == '\r' ? state::data_lf : state::bad;
  case state::data_lf: return c == '\n' ? state::size_first : state::bad;
  case state::trailer_start:
    if (c == '\r') return state::last_lf;
    if (c == ' ' || c == '\t') return state::bad; // obs-fold
    [[fallthrough]];
  case state::trailer:
    if (c == '\r') return state::trailer_lf;
    return text_char(c) && ++extra_ <= trailer_bytes_max ? state::trailer : state::bad;
  case state::trailer_lf: return c == '\n' ? state::trailer_start : state::bad;
  case state::last_lf: return c == '\n' ? state::done : state::bad;
  case state::data:
  case state::done:
  case state::bad: break;
  }
  return state::bad;
}

} // namespace troupe::http
