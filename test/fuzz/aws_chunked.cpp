// The first byte chooses the mode, the second how the rest is cut: cut or whole, the outcome is the same.
#include "codec/aws_chunked.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace troupe;

namespace {

struct outcome {
  std::string data;
  bool ok = false;
  std::vector<std::pair<std::string, std::string>> trailers;
};

outcome run(aws_chunked_decoder decoder, std::string wire, std::size_t step) {
  outcome out;
  for (std::size_t i = 0; i < wire.size(); i += step) {
    bytes_span piece{reinterpret_cast<std::byte*>(wire.data() + i), std::min(step, wire.size() - i)};
    auto n = decoder.decode(piece);
    if (!n) return out;
    if (*n > piece.size()) std::abort();
    out.data += as_text(piece.first(*n));
  }
  out.ok = decoder.end().has_value();
  if (out.ok && (!decoder.finished() || decoder.decoded() != out.data.size())) std::abort();
  out.trailers = decoder.trailers();
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  auto mode = static_cast<aws_chunked_decoder::mode>(data[0] % 3);
  std::optional<std::uint64_t> length;
  if (data[0] & 0x80) length = data[0] >> 2 & 0x1f;
  std::string wire{reinterpret_cast<const char*>(data + 2), size - 2};
  auto whole = run({mode, length, {}}, wire, std::max<std::size_t>(wire.size(), 1));
  auto cut = run({mode, length, {}}, wire, 1 + data[1] % 16);
  if (whole.ok != cut.ok) std::abort();
  if (!whole.ok) return 0;
  if (whole.data != cut.data || whole.trailers != cut.trailers) std::abort();
  if (length && whole.data.size() != *length) std::abort();
  return 0;
}
