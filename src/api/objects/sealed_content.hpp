// sealed_content: content on its way to and from rest when it is encrypted (codec/content_seal.hpp): what a client sends
// becomes frames, and frames become what a client asked for. No actor, no disk: between a body and the rest of a put, and
// between a reader and its caller.
#pragma once

#include "api/http/body.hpp"
#include "api/objects/object_store.hpp"
#include "codec/checksum.hpp"
#include "codec/content_seal.hpp"
#include "codec/digest.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

// Reads plain content and gives frames; digests are those of the plain content. Errors of the source pass through it.
class sealing_source final : public http::body_source {
public:
  // `from` outlives it.
  sealing_source(http::body_source& from, std::uint64_t plain_bytes, const data_key&, bytes_view salt, checksum_set);
  http::task<std::size_t> read(bytes_span dst) override;

  // Once all was read. Raw.
  std::string md5() { return md5_.finish(); }
  checksum_values checksums() { return checksums_.finish(); }

private:
  http::task<bool> next_frame(); // false: the source ended too early

  http::body_source& from_;
  content_seal::cipher cipher_;
  digest md5_{digest_kind::md5};
  checksum_state checksums_;
  std::vector<std::byte> plain_, frame_;
  std::size_t at_ = 0, end_ = 0; // in frame_
  std::uint64_t next_ = 0;
};

// The plain bytes of a range, from a reader of exactly the frames that hold it. ec::corrupt: a frame does not open.
std::unique_ptr<object_reader> open_frames(
  std::unique_ptr<object_reader> frames, content_seal::cipher, const content_seal::range&, std::uint64_t length);

// The whole of short content that is in memory.
result<std::string> open_text(
  const data_key&, std::string_view salt, std::uint64_t plain_bytes, std::string_view sealed);

// One after the other; each goes once it was read.
std::unique_ptr<object_reader> chain(std::vector<std::unique_ptr<object_reader>>);

} // namespace troupe
