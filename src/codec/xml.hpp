// xml: a streaming writer for responses, and a bounded reader for the small documents that clients send.
// The reader is pugixml behind a wall: UTF-8 only, no DTD, no entities but the five of XML and character references.
// What a document means (DeleteObjects, CompleteMultipartUpload, ...) is api/s3's business.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pugi {
class xml_document;
struct xml_node_struct;
} // namespace pugi

namespace troupe {

// Appends to a string that the caller owns and may take away between calls. Names are the caller's and not checked;
// text is escaped. Bytes that XML 1.0 cannot say (control characters, U+FFFE, what is not UTF-8) become U+FFFD: a
// client that lists such keys asks for encoding-type=url.
class xml_writer {
public:
  // Writes the declaration.
  explicit xml_writer(std::string& out);

  // The first one opened is the root; xmlns may be empty.
  xml_writer& open(std::string_view name, std::string_view xmlns = {});
  xml_writer& attribute(std::string_view name, std::string_view value); // right after open()
  xml_writer& text(std::string_view);
  xml_writer& close(); // the innermost; precondition: one is open
  xml_writer& element(std::string_view name, std::string_view value);
  xml_writer& element(std::string_view name, const std::string& value) {
    return element(name, std::string_view{value});
  }
  xml_writer& element(std::string_view name, const char* value) { return element(name, std::string_view{value}); }
  xml_writer& element(std::string_view name, bool value) { return element(name, value ? "true" : "false"); }
  xml_writer& element(std::string_view name, std::uint64_t value) { return element(name, std::to_string(value)); }
  xml_writer& element(std::string_view name, std::int64_t value) { return element(name, std::to_string(value)); }
  xml_writer& element(std::string_view name, std::uint32_t value) { return element(name, std::uint64_t{value}); }
  xml_writer& element(std::string_view name, std::int32_t value) { return element(name, std::int64_t{value}); }
  void close_all();

private:
  std::string* out_;
  std::vector<std::string> open_;
};

void append_xml_escaped(std::string& out, std::string_view text);

// A place in a document; valid as long as the document. Names are given without their namespace prefix.
class xml_element {
public:
  std::string_view name() const;
  std::string text() const; // all character data directly inside, in order
  // The first child element of that name.
  std::optional<xml_element> child(std::string_view name) const;
  std::vector<xml_element> children() const;
  std::vector<xml_element> children(std::string_view name) const;
  // Text of the first child of that name; nothing when there is none.
  std::optional<std::string> child_text(std::string_view name) const;
  std::optional<std::string> attribute(std::string_view name) const; // with its prefix: "xsi:type"

private:
  friend class xml_document;
  explicit xml_element(pugi::xml_node_struct* node) : node_(node) {}
  pugi::xml_node_struct* node_;
};

class xml_document {
public:
  // malformed_xml when it is longer than bytes_max, nested deeper than 64, not UTF-8, not well-formed, has a DTD, or
  // not exactly one root. Takes up to about 27 times the text's size in memory.
  static result<xml_document> parse(std::string_view text, std::size_t bytes_max);

  xml_document(xml_document&&) noexcept;
  xml_document& operator=(xml_document&&) noexcept;
  ~xml_document();

  xml_element root() const;

private:
  explicit xml_document(std::unique_ptr<pugi::xml_document>);
  std::unique_ptr<pugi::xml_document> document_;
};

} // namespace troupe
