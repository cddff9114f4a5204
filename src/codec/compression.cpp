#include "codec/compression.hpp"

#include <zstd.h>

#include <algorithm>
#include <new>

namespace troupe {

namespace {

constexpr int level = 3, sample_level = 1;
constexpr int window_log_max = 23; // 8 MiB: what level 3 makes needs less

result<std::string> compressed(bytes_view content, int how) {
  std::string out(ZSTD_compressBound(content.size()), '\0');
  const auto n = ZSTD_compress(out.data(), out.size(), content.data(), content.size(), how);
  if (ZSTD_isError(n) != 0) return fail(ec::internal, std::string{"zstd: "} + ZSTD_getErrorName(n));
  out.resize(n);
  return out;
}

} // namespace

bool worth_compressing(bytes_view sample) {
  if (sample.empty()) return false;
  const auto out = compressed(sample.first(std::min(sample.size(), compression_sample_bytes)), sample_level);
  return out && out->size() < sample.size() - sample.size() / 10;
}

result<std::string> compress(bytes_view content) { return compressed(content, level); }

decompressor::decompressor() : context_(ZSTD_createDCtx()) {
  if (!context_) throw std::bad_alloc{};
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log_max);
}
decompressor::~decompressor() = default;

void decompressor::free_context::operator()(ZSTD_DCtx_s* c) const noexcept { ZSTD_freeDCtx(c); }

result<std::size_t> decompressor::next(bytes_view& in, bytes_span out) {
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  const auto left = ZSTD_decompressStream(context_.get(), &to, &from);
  if (ZSTD_isError(left) != 0)
    return fail(ec::corrupt, std::string{"compressed content does not decompress: "} + ZSTD_getErrorName(left));
  in = in.subspan(from.pos);
  ended_ = left == 0;
  return to.pos;
}

} // namespace troupe
