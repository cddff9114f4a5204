#include "core/stripe_rebuild.hpp"

#include <cstring>

namespace troupe {

std::uint32_t stored_bytes(const stripe_layout& layout, std::uint64_t stripe, std::uint32_t piece) {
  return piece < layout.geometry().k ? layout.data_bytes(stripe, piece) : layout.piece_bytes(stripe);
}

std::uint64_t stored_bytes(const stripe_layout& layout, std::uint64_t first, std::uint64_t end, std::uint32_t piece) {
  if (end <= first) return 0;
  return (end - first - 1) * layout.geometry().piece_bytes +
    stored_bytes(layout, end - 1, piece); // only the last is short
}

result<std::vector<chunk>> rebuild_pieces(const erasure_codec& codec, const stripe_layout& layout, std::uint64_t stripe,
  std::span<const std::optional<chunk>> pieces, std::span<const std::uint32_t> wanted) {
  std::size_t bytes = layout.piece_bytes(stripe);
  std::vector<std::vector<std::byte>> padded; // with the zeros that are not stored
  padded.reserve(pieces.size());
  std::vector<const std::byte*> there(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!pieces[i]) continue;
    if (pieces[i]->size() == bytes) {
      there[i] = pieces[i]->data();
      continue;
    }
    auto& copy = padded.emplace_back(bytes);
    if (!pieces[i]->empty()) std::memcpy(copy.data(), pieces[i]->data(), pieces[i]->size());
    there[i] = copy.data();
  }
  std::vector<std::size_t> numbers(wanted.begin(), wanted.end());
  std::vector<std::shared_ptr<std::byte[]>> buffers;
  std::vector<std::byte*> outputs;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    buffers.push_back(std::make_shared_for_overwrite<std::byte[]>(bytes));
    outputs.push_back(buffers.back().get());
  }
  TROUPE_TRY(codec.reconstruct(there, numbers, outputs, bytes));
  std::vector<chunk> made;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    made.push_back(chunk::adopt(std::move(buffers[i]), bytes).slice(0, stored_bytes(layout, stripe, wanted[i])));
  return made;
}

} // namespace troupe
