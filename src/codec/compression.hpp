// compression: zstd, for content that is worth it. Decompression is a stream with bounded memory; what it is given may be
// anything: ec::corrupt, never more than a bounded window.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <cstddef>
#include <memory>
#include <string>

struct ZSTD_DCtx_s;

namespace troupe {

// Whether content that begins like this is likely to shrink by a tenth or more.
bool worth_compressing(bytes_view sample);
inline constexpr std::size_t compression_sample_bytes = std::size_t{64} << 10;

// One zstd frame that says how large its content is.
result<std::string> compress(bytes_view);

class decompressor {
public:
  decompressor();
  ~decompressor();
  decompressor(const decompressor&) = delete;
  decompressor& operator=(const decompressor&) = delete;

  // The next bytes of content go to the start of `out`; takes from `in` what it used of it. How many bytes that were; 0 asks
  // for more input.
  result<std::size_t> next(bytes_view& in, bytes_span out);
  bool at_end() const { return ended_; } // of a frame

private:
  struct free_context {
    void operator()(ZSTD_DCtx_s*) const noexcept;
  };
  std::unique_ptr<ZSTD_DCtx_s, free_context> context_;
  bool ended_ = false;
};

} // namespace troupe
