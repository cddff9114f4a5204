// Any text parses or is malformed; what parsed can be walked, and written again it reads the same.
#include "codec/xml.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

namespace {

void walk(const xml_element& e, int depth) {
  if (depth > 64) std::abort();
  (void)e.attribute("a");
  (void)e.child_text("Key");
  std::string text = e.text(), out;
  xml_writer{out}.open("R").text("x" + text).close_all();
  auto again = xml_document::parse(out, out.size());
  // Characters that only a reference could say are replaced when written, so lengths may differ, never readability.
  if (!again || !again->root().text().starts_with('x')) std::abort();
  for (auto& child : e.children()) walk(child, depth + 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto document = xml_document::parse(text, 1 << 16)) walk(document->root(), 1);
  std::string out;
  xml_writer{out}.open("R").element("V", text).close_all();
  if (!xml_document::parse(out, out.size())) std::abort(); // whatever the bytes, we write XML
  return 0;
}
