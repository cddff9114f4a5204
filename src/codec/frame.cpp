#include "codec/frame.hpp"

namespace troupe {
namespace {

constexpr char magic[2] = {'T', 'P'};

template <class T>
void append_number(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>((value >> shift) & 0xff);
}

template <class T>
T number_at(bytes_view b, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<T>(value << 8 | std::to_integer<std::uint8_t>(b[offset + i]));
  return value;
}

} // namespace

void append_header(std::string& out, const frame_header& h) {
  out.append(magic, sizeof magic);
  out += static_cast<char>(h.kind);
  out += static_cast<char>(h.method);
  append_number(out, h.head_bytes);
  append_number(out, h.body_bytes);
  append_number(out, h.id);
}

result<frame_header> parse_header(bytes_view b) {
  if (b.size() < frame_header::bytes || as_text(b.first(sizeof magic)) != std::string_view{magic, sizeof magic})
    return fail(ec::incompatible, "the peer does not speak Troupe's protocol");
  frame_header h;
  auto kind = std::to_integer<std::uint8_t>(b[2]);
  if (kind < static_cast<std::uint8_t>(frame_kind::hello) || kind > static_cast<std::uint8_t>(frame_kind::post))
    return fail(ec::incompatible, "a frame of unknown kind " + std::to_string(kind));
  h.kind = static_cast<frame_kind>(kind);
  h.method = std::to_integer<std::uint8_t>(b[3]);
  h.head_bytes = number_at<std::uint32_t>(b, 4);
  h.body_bytes = number_at<std::uint32_t>(b, 8);
  h.id = number_at<std::uint64_t>(b, 12);
  if (h.head_bytes > frame_header::head_bytes_max || h.body_bytes > frame_header::body_bytes_max)
    return fail(ec::too_large,
      "a frame with a head of " + std::to_string(h.head_bytes) + " and a body of " + std::to_string(h.body_bytes) +
        " bytes");
  return h;
}

} // namespace troupe
