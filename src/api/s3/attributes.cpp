// GetObjectAttributes and GetObjectTagging: what is known of an object, as XML.
#include "api/s3/call.hpp"
#include "api/s3/shapes.hpp"
#include "codec/text.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace troupe::s3 {

namespace {

constexpr std::uint32_t parts_page_max = 1000;

std::set<std::string_view> wanted_attributes(std::string_view header) {
  std::set<std::string_view> wanted;
  if (header.empty())
    throw s3_error{ec::invalid_request,
      "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"};
  while (!header.empty()) {
    const auto comma = header.find(',');
    auto one = header.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    for (const auto* known : {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})
      if (one == known) wanted.insert(known);
    if (!wanted.contains(one)) throw s3_error{ec::invalid_argument, "Invalid attribute name specified."};
    header = comma == header.npos ? std::string_view{} : header.substr(comma + 1);
  }
  return wanted;
}

std::uint32_t header_number(const call& c, std::string_view name, std::uint32_t fallback) {
  const auto text = c.header(name);
  if (text.empty()) return fallback;
  std::uint32_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size())
    throw s3_error{ec::invalid_argument, "Provided " + std::string{name} + " not an integer or within integer range"};
  return n;
}

void write_parts(xml_writer& x, const call& c, const pb::manifest& manifest) {
  const auto marker = header_number(c, "x-amz-part-number-marker", 0);
  const auto most = std::min(header_number(c, "x-amz-max-parts", parts_page_max), parts_page_max);
  const auto& parts = manifest.parts();
  const auto first = std::ranges::upper_bound(parts, marker, {}, [](const auto& p) { return p.number(); });
  const auto left = parts.end() - first;
  const auto shown = std::min<std::ptrdiff_t>(left, most);
  const auto last = first + static_cast<int>(shown);
  x.open("ObjectParts").element("PartsCount", std::int64_t{parts.size()}).element("PartNumberMarker", marker);
  x.element("NextPartNumberMarker", shown == 0 ? 0u : (last - 1)->number())
    .element("MaxParts", most)
    .element("IsTruncated", shown < left);
  for (auto p = first; p != last; ++p) {
    x.open("Part").element("PartNumber", p->number()).element("Size", std::uint64_t{p->size()});
    write_checksums(x, p->checksums());
    x.close();
  }
  x.close();
}

} // namespace

http::task<> on_get_object_attributes(call& c) {
  const auto wanted = wanted_attributes(c.header("x-amz-object-attributes"));
  const bool with_parts = wanted.contains("ObjectParts");
  const auto object = must(co_await c.store.get(c.bucket(), c.key(), with_parts));
  const auto& record = object.record;
  std::string xml;
  xml_writer x{xml};
  x.open("GetObjectAttributesResponse", xml_namespace);
  if (wanted.contains("ETag")) x.element("ETag", record.etag()); // here without quotes
  if (wanted.contains("Checksum") && !record.checksums().empty()) {
    x.open("Checksum");
    write_checksums(x, record.checksums());
    write_checksum_type(x, record.checksums());
    x.close();
  }
  if (with_parts && object.manifest) write_parts(x, c, *object.manifest);
  if (wanted.contains("StorageClass")) x.element("StorageClass", shown_storage_class(record.storage_class()));
  if (wanted.contains("ObjectSize")) x.element("ObjectSize", std::uint64_t{record.size()});
  x.close();
  c.res.set("Last-Modified", format_http_date(record.modified_ms()));
  co_await c.send_xml(std::move(xml));
}

http::task<> on_get_object_tagging(call& c) {
  const auto object = must(co_await c.store.get(c.bucket(), c.key(), false));
  std::string xml;
  xml_writer x{xml};
  x.open("Tagging", xml_namespace).open("TagSet");
  for (const auto& tag : object.record.tags())
    x.open("Tag").element("Key", tag.name()).element("Value", tag.value()).close();
  x.close().close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
