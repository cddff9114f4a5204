// aws_chunked: decodes S3's own body framing, in place and incrementally, and checks its chunk and trailer signatures.
//   STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER]   <hex size>;chunk-signature=<64 hex>CRLF <data> CRLF ...
//   STREAMING-UNSIGNED-PAYLOAD-TRAILER             <hex size>CRLF <data> CRLF ... 0CRLF <name>:<value>CRLF CRLF
// Data is handed out before its chunk's signature is known: nothing may be made visible before end() agreed.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "codec/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class aws_chunked_decoder {
public:
  enum mode : std::uint8_t { signed_payload, signed_payload_trailer, unsigned_payload_trailer };

  // From sigv4_identity; ignored in unsigned mode.
  struct signing {
    sha256_digest key{};
    std::string amz_date, scope, seed_signature;
  };
  struct limits {
    std::size_t line_bytes = 4096; // a chunk's head, or a trailer
    std::size_t trailers = 16;
    std::uint64_t chunk_bytes = std::uint64_t{5} << 30;
  };

  // By x-amz-content-sha256; nothing when the body is not framed so.
  static std::optional<mode> mode_named(std::string_view content_sha256) noexcept;

  // decoded_length: x-amz-decoded-content-length, when given.
  aws_chunked_decoder(mode, std::optional<std::uint64_t> decoded_length, signing, limits);
  aws_chunked_decoder(mode m, std::optional<std::uint64_t> decoded_length, signing s)
      : aws_chunked_decoder(m, decoded_length, std::move(s), limits{}) {}

  // Takes the next bytes of the wire and moves the data among them to the front; returns how many. Errors are final:
  // invalid_request (framing), malformed_trailer, signature_does_not_match, incomplete_body (more than decoded_length).
  result<std::size_t> decode(bytes_span);

  // To be called when the wire has ended: incomplete_body when the framing or decoded_length says that more was to
  // come. Accepts a body that lacks only the last CRLF, as AWS's documentation prints it.
  result<> end();

  // The framing is complete; what follows on the wire is not the body's.
  bool finished() const noexcept { return state_ == state::done; }
  std::uint64_t decoded() const noexcept { return decoded_; }
  // Names in lower case, without x-amz-trailer-signature. To be believed only after end().
  const std::vector<std::pair<std::string, std::string>>& trailers() const noexcept { return trailers_; }

private:
  enum class state : std::uint8_t { head, data, data_cr, data_lf, trailer, done, failed };

  result<std::size_t> step(bytes_span);
  result<bool> take_line(bytes_span, std::size_t& at);
  result<> open_chunk();
  result<> close_chunk();
  result<> take_trailer();
  result<> finish();
  result<> check_signature(std::string_view kind, std::string_view hashes);
  bool is_signed() const noexcept { return mode_ != unsigned_payload_trailer; }

  mode mode_;
  std::optional<std::uint64_t> decoded_length_;
  signing signing_;
  limits limits_;
  state state_ = state::head;
  bool line_whole_ = true;    // line_ is a finished line: the next byte starts a new one
  bool line_bare_lf_ = false; // ... that ended in LF alone
  bool forgive_empty_ = false;
  std::uint64_t left_ = 0; // of the chunk's data
  std::uint64_t decoded_ = 0;
  std::string line_, claimed_, previous_;
  digest hash_{digest_kind::sha256};
  std::vector<std::pair<std::string, std::string>> trailers_;
};

} // namespace troupe
