// chunked: the framing of "Transfer-Encoding: chunked" (RFC 9112 section 7.1) as a byte-at-a-time machine. It never
// holds data: it says how many data bytes come next, and the owner moves those itself. Strict on purpose: no bare LF,
// no spaces around the size, bounded extensions and trailers (which are skipped).
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::http {

class chunked_decoder {
public:
  // Bytes of one extension, and of all trailer lines together.
  static constexpr std::uint32_t extension_bytes_max = 4096;
  static constexpr std::uint32_t trailer_bytes_max = 8192;

  // Consumes framing up to the next data byte, the end, or the end of `in`; returns how many bytes it took.
  std::size_t put(std::string_view in);

  // Data bytes that come next, before put() may be called again.
  std::uint64_t data_left() const { return at_ == state::data ? left_ : 0; }
  // The owner moved n <= data_left() data bytes.
  void took(std::uint64_t n);

  bool done() const { return at_ == state::done; }
  bool bad() const { return at_ == state::bad; }

private:
  enum class state : std::uint8_t {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    last_lf,
    done,
    bad
  };
  state step(char c);
  state size_digit(char c, bool first);

  state at_ = state::size_first;
  std::uint32_t extra_ = 0; // bytes of the extension or the trailers so far
  std::uint64_t left_ = 0;
};

} // namespace troupe::http
