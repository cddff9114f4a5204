#include "actors/upload_stripes.hpp"

#include <cstring>

namespace troupe {

std::optional<piece_range> upload_stripes::expected() const {
  if (complete()) return {};
  return layout_.at(received_);
}

result<upload_stripes::added> upload_stripes::add(chunk c) {
  auto next = expected();
  if (!next || c.size() != next->length)
    return fail(ec::bad_argument,
      "upload: got a data piece of " + std::to_string(c.size()) + " bytes, expected " +
        (next ? std::to_string(next->length) : "no more"));
  auto g = layout_.geometry();
  added out{.stripe = next->stripe, .pieces = {next->piece}, .first = next->piece == 0, .last = false};
  auto& pieces = open_[next->stripe];
  pieces.resize(g.k + g.m);
  received_ += c.size();
  pieces[next->piece] = std::move(c);
  auto after = expected();
  if (after && after->stripe == next->stripe) return out;
  out.last = true;
  encode(next->stripe);
  for (auto i = g.k; i < g.k + g.m; ++i) out.pieces.push_back(i);
  return out;
}

void upload_stripes::encode(std::uint64_t stripe) {
  auto g = layout_.geometry();
  auto& pieces = open_[stripe];
  if (g.k == 1) { // copies share the buffer
    for (std::uint32_t i = 1; i <= g.m; ++i) pieces[i] = pieces[0];
    return;
  }
  if (g.m == 0) return;
  std::size_t bytes = layout_.piece_bytes(stripe);
  std::vector<std::vector<std::byte>> padded; // short pieces of the last stripe, with zeros behind
  padded.reserve(g.k);
  std::vector<const std::byte*> data;
  for (std::uint32_t i = 0; i < g.k; ++i) {
    if (pieces[i].size() == bytes) {
      data.push_back(pieces[i].data());
      continue;
    }
    auto& copy = padded.emplace_back(bytes);
    if (!pieces[i].empty()) std::memcpy(copy.data(), pieces[i].data(), pieces[i].size());
    data.push_back(copy.data());
  }
  std::vector<std::shared_ptr<std::byte[]>> buffers;
  std::vector<std::byte*> parity;
  for (std::uint32_t i = 0; i < g.m; ++i) {
    buffers.push_back(std::make_shared_for_overwrite<std::byte[]>(bytes));
    parity.push_back(buffers.back().get());
  }
  codec_.encode(data, parity, bytes);
  for (std::uint32_t i = 0; i < g.m; ++i) pieces[g.k + i] = chunk::adopt(std::move(buffers[i]), bytes);
}

std::vector<std::uint64_t> upload_stripes::held() const {
  std::vector<std::uint64_t> out;
  for (auto& [stripe, pieces] : open_) out.push_back(stripe);
  return out;
}

} // namespace troupe
