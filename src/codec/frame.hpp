// frame: what goes over a connection between two processes: a fixed header, a head (a Protobuf message) and a body (bulk
// bytes, often none). Pure: bytes <-> header; net/ moves the bytes.
// Layout, big endian: magic "TP", kind, method, head bytes (4), body bytes (4), id (8).
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <string>

namespace troupe {

enum class frame_kind : std::uint8_t {
  hello = 1,   // pb::hello; once in each direction, first
  request = 2, // the method's request; answered by a reply or a failure with the same id
  reply = 3,
  failure = 4, // pb::failure
  post = 5,    // as a request, never answered
};

struct frame_header {
  static constexpr std::size_t bytes = 20;
  // What a peer may make us allocate for one frame.
  static constexpr std::size_t head_bytes_max = std::size_t{16} << 20;
  static constexpr std::size_t body_bytes_max = chunk::bytes_max;

  frame_kind kind = frame_kind::request;
  std::uint8_t method = 0;
  std::uint32_t head_bytes = 0;
  std::uint32_t body_bytes = 0;
  std::uint64_t id = 0;

  friend bool operator==(const frame_header&, const frame_header&) = default;
};

void append_header(std::string& out, const frame_header&);
// ec::incompatible: not a frame of ours; ec::too_large: over a bound. `b` has frame_header::bytes bytes.
result<frame_header> parse_header(bytes_view b);

} // namespace troupe
