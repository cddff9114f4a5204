// response_reader: reads one HTTP/1.1 answer as fast as it comes and throws its body away, as a load generator wants.
// Keeps the status, the body's length, and the beginning of an error's body. Pure: bytes in, state out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::cli {

class response_reader {
public:
  void reset();

  enum class progress { more, complete, broken };
  // Takes what was received. After `complete` or `broken`: reset() first.
  progress take(std::string_view);
  // The connection ended: complete for a body that ends so, else broken.
  progress ended();

  bool begun() const { return begun_; }
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  bool keep_alive() const { return keep_alive_; }
  // S3's code ("SlowDown") when the answer is an error with one, else "HTTP 503".
  std::string error_kind() const;

private:
  enum class framing { length, chunked, until_close };
  progress take_body(std::string_view);
  bool parse_head(std::string_view head);

  std::string head_; // only of a head that came in pieces
  std::string error_body_;
  std::string tail_; // of a chunked body
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  framing framing_ = framing::length;
  bool begun_ = false;
  bool in_body_ = false;
  bool keep_alive_ = true;
};

} // namespace troupe::cli
