#include "codec/uri.hpp"
#include "codec/xml.hpp"

namespace troupe {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

// Length of the UTF-8 sequence at the front, 0 when there is none.
std::size_t sequence(std::string_view s) {
  for (std::size_t n = 2; n <= 4 && n <= s.size(); ++n)
    if (valid_utf8(s.substr(0, n))) return n;
  return 0;
}

} // namespace

void append_xml_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      auto n = sequence(text.substr(i));
      auto code = text.substr(i, n);
      if (n == 0 || code == "\xef\xbf\xbe" || code == "\xef\xbf\xbf")
        out += replacement;
      else
        out += code;
      i += n == 0 ? 1 : n;
      continue;
    }
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\r': out += "&#13;"; break; // as itself a reader would take it for a line end
    case '\n':
    case '\t': out += static_cast<char>(c); break;
    default:
      if (c < 0x20)
        out += replacement;
      else
        out += static_cast<char>(c);
    }
    ++i;
  }
}

xml_writer::xml_writer(std::string& out) : out_(&out) { *out_ += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"; }

xml_writer& xml_writer::open(std::string_view name, std::string_view xmlns) {
  ((*out_ += '<') += name) += '>';
  open_.emplace_back(name);
  if (!xmlns.empty()) attribute("xmlns", xmlns);
  return *this;
}

xml_writer& xml_writer::attribute(std::string_view name, std::string_view value) {
  out_->pop_back(); // the '>' of open()
  ((*out_ += ' ') += name) += "=\"";
  append_xml_escaped(*out_, value);
  *out_ += "\">";
  return *this;
}

xml_writer& xml_writer::text(std::string_view s) {
  append_xml_escaped(*out_, s);
  return *this;
}

xml_writer& xml_writer::close() {
  ((*out_ += "</") += open_.back()) += '>';
  open_.pop_back();
  return *this;
}

xml_writer& xml_writer::element(std::string_view name, std::string_view value) {
  ((*out_ += '<') += name) += '>';
  append_xml_escaped(*out_, value);
  ((*out_ += "</") += name) += '>';
  return *this;
}

void xml_writer::close_all() {
  while (!open_.empty()) close();
}

} // namespace troupe
