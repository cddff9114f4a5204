#include "store/scrub_note.hpp"

#include "codec/checksum.hpp"

#include <sstream>

namespace troupe {

std::string encode(const scrub_note& n) {
  std::ostringstream out;
  auto& r = n.round;
  out << "scrub 1 " << r.next.segment << ' ' << r.next.offset << ' ' << r.end.segment << ' ' << r.end.offset << ' '
      << r.bytes_done << ' ' << r.bytes_total << ' ' << (r.over ? 1 : 0) << ' ' << n.began_ms;
  auto crc = crc32c(as_bytes(out.view()));
  out << ' ' << crc << '\n';
  return std::move(out).str();
}

std::optional<scrub_note> parse_scrub_note(std::string_view text) {
  auto last = text.rfind(' ');
  if (last == std::string_view::npos || text.size() > scrub_note::bytes_max) return {};
  std::istringstream in{std::string{text}};
  scrub_note n;
  auto& r = n.round;
  std::string word;
  int version = 0;
  std::uint32_t crc = 0;
  in >> word >> version >> r.next.segment >> r.next.offset >> r.end.segment >> r.end.offset >> r.bytes_done >>
    r.bytes_total >> r.over >> n.began_ms >> crc;
  if (!in || word != "scrub" || version != 1 || crc != crc32c(as_bytes(text.substr(0, last)))) return {};
  return n;
}

} // namespace troupe
