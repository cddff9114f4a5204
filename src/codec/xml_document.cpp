#include "codec/uri.hpp"
#include "codec/xml.hpp"

#include <pugixml.hpp>

#include <charconv>

namespace troupe {
namespace {

constexpr int depth_max = 64;

error malformed(std::string_view why) {
  return fail(ec::malformed_xml,
    "The XML you provided was not well-formed or did not validate against our published schema: " + std::string{why});
}

// '&' and what follows up to ';'. pugixml leaves unknown entities as they are, and a reference to NUL would cut a name.
bool good_reference(std::string_view body) {
  for (std::string_view known : {"amp", "lt", "gt", "quot", "apos"})
    if (body == known) return true;
  if (!body.starts_with('#')) return false;
  body.remove_prefix(1);
  auto base = 10;
  if (body.starts_with('x')) {
    body.remove_prefix(1);
    base = 16;
  }
  std::uint32_t code = 0;
  auto [end, status] = std::from_chars(body.data(), body.data() + body.size(), code, base);
  if (body.empty() || status != std::errc{} || end != body.data() + body.size()) return false;
  return code != 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

bool good_references(std::string_view text) {
  for (std::size_t i = 0; (i = text.find_first_of("&<", i)) != text.npos; ++i) {
    auto rest = text.substr(i);
    auto skip = [&](std::string_view open, std::string_view close) {
      if (!rest.starts_with(open)) return false;
      auto end = rest.find(close, open.size());
      i = end == rest.npos ? text.size() - 1 : i + end + close.size() - 1; // an open end is pugixml's to refuse
      return true;
    };
    if (rest.front() == '<') {
      if (!skip("<!--", "-->") && !skip("<![CDATA[", "]]>")) skip("<?", "?>");
      continue;
    }
    auto semicolon = rest.substr(0, 12).find(';');
    if (semicolon == rest.npos || !good_reference(rest.substr(1, semicolon - 1))) return false;
  }
  return true;
}

// Walks without recursion.
bool too_deep(const pugi::xml_node& root) {
  auto depth = 0;
  for (auto node = root.first_child(); node && node != root;) {
    if (depth >= depth_max) return true;
    if (auto child = node.first_child()) {
      node = child;
      ++depth;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node != root) node = node.next_sibling();
  }
  return false;
}

std::string_view local(std::string_view name) {
  auto colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

bool is_element(const pugi::xml_node& node, std::string_view name) {
  return node.type() == pugi::node_element && local(node.name()) == name;
}

pugi::xml_node node_of(pugi::xml_node_struct* p) { return pugi::xml_node{p}; }

} // namespace

result<xml_document> xml_document::parse(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return malformed(std::to_string(text.size()) + " bytes are too many");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!valid_utf8(text) || text.find('\0') != text.npos) return malformed("it is not UTF-8");
  if (!good_references(text)) return malformed("an entity or character reference is unknown");
  auto document = std::make_unique<pugi::xml_document>();
  // Fragments and doctypes are parsed only to be seen and refused.
  constexpr auto options = pugi::parse_default | pugi::parse_doctype | pugi::parse_fragment;
  auto status = document->load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  if (!status) return malformed(status.description());
  auto roots = 0;
  for (auto node : document->children()) {
    if (node.type() != pugi::node_element) return malformed("there is a DTD, or text outside the root element");
    ++roots;
  }
  if (roots != 1) return malformed("there is not exactly one root element");
  if (too_deep(*document)) return malformed("it is nested too deep");
  return xml_document{std::move(document)};
}

xml_document::xml_document(std::unique_ptr<pugi::xml_document> d) : document_(std::move(d)) {}
xml_document::xml_document(xml_document&&) noexcept = default;
xml_document& xml_document::operator=(xml_document&&) noexcept = default;
xml_document::~xml_document() = default;

xml_element xml_document::root() const { return xml_element{document_->document_element().internal_object()}; }

std::string_view xml_element::name() const { return local(node_of(node_).name()); }

std::string xml_element::text() const {
  std::string out;
  for (auto child : node_of(node_).children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
  return out;
}

std::optional<xml_element> xml_element::child(std::string_view wanted) const {
  for (auto child : node_of(node_).children())
    if (is_element(child, wanted)) return xml_element{child.internal_object()};
  return std::nullopt;
}

std::vector<xml_element> xml_element::children() const {
  std::vector<xml_element> out;
  for (auto child : node_of(node_).children())
    if (child.type() == pugi::node_element) out.push_back(xml_element{child.internal_object()});
  return out;
}

std::vector<xml_element> xml_element::children(std::string_view wanted) const {
  std::vector<xml_element> out;
  for (auto child : node_of(node_).children())
    if (is_element(child, wanted)) out.push_back(xml_element{child.internal_object()});
  return out;
}

std::optional<std::string> xml_element::child_text(std::string_view wanted) const {
  auto found = child(wanted);
  return found ? std::optional{found->text()} : std::nullopt;
}

std::optional<std::string> xml_element::attribute(std::string_view wanted) const {
  for (auto a : node_of(node_).attributes())
    if (wanted == a.name()) return a.value();
  return std::nullopt;
}

} // namespace troupe
