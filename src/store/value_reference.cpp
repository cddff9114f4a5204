#include "store/value_reference.hpp"

#include <cstring>

namespace troupe {
namespace {

constexpr std::string_view note_magic{"\0values1", 8}; // as an index of Raft's log 3.3e16: none is
constexpr std::size_t reference_bytes = std::tuple_size_v<value_tag> + 8 + 8 + 4;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}
// Precondition: there are as many bytes.
template <class T>
T take(std::string_view& in) {
  T value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) value = static_cast<T>(value << 8 | static_cast<unsigned char>(in[i]));
  in.remove_prefix(sizeof value);
  return value;
}

} // namespace

std::string encode(const value_tag& tag, const value_reference& r) {
  std::string out;
  out.reserve(reference_bytes);
  out.append(tag.data(), tag.size());
  put(out, r.at.segment);
  put(out, r.at.offset);
  put(out, r.value_bytes);
  return out;
}

std::optional<value_reference> decode(const value_tag& tag, std::string_view stored) {
  if (stored.size() != reference_bytes || std::memcmp(stored.data(), tag.data(), tag.size()) != 0) return std::nullopt;
  stored.remove_prefix(tag.size());
  value_reference r;
  r.at.segment = take<std::uint64_t>(stored);
  r.at.offset = take<std::uint64_t>(stored);
  r.value_bytes = take<std::uint32_t>(stored);
  return r;
}

std::string encode(const std::optional<value_note>& note, std::string_view position) {
  if (!note) return std::string{position};
  std::string out{note_magic};
  out.append(note->tag.data(), note->tag.size());
  put(out, note->end.segment);
  put(out, note->end.offset);
  put(out, std::uint64_t{note->live.size()});
  for (auto& [segment, bytes] : note->live) {
    put(out, segment);
    put(out, bytes);
  }
  return out.append(position);
}

result<noted_position> decode_position(std::string_view stored) {
  noted_position out;
  if (stored.starts_with(note_magic)) {
    auto damaged = fail(ec::corrupt, "the state's note about its values is damaged");
    stored.remove_prefix(note_magic.size());
    auto& note = out.note.emplace();
    if (stored.size() < note.tag.size() + 24) return damaged;
    std::memcpy(note.tag.data(), stored.data(), note.tag.size());
    stored.remove_prefix(note.tag.size());
    note.end.segment = take<std::uint64_t>(stored);
    note.end.offset = take<std::uint64_t>(stored);
    auto segments = take<std::uint64_t>(stored);
    if (segments > stored.size() / 16) return damaged;
    for (; segments > 0; --segments) {
      auto segment = take<std::uint64_t>(stored);
      note.live[segment] = take<std::uint64_t>(stored);
    }
  }
  out.position = stored;
  return out;
}

} // namespace troupe
