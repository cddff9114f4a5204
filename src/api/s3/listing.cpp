// Listings of objects: ListObjects (1 and 2) and ListObjectVersions, over one page of the store.
#include "api/s3/call.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/names.hpp"
#include "api/s3/page_token.hpp"
#include "api/s3/shapes.hpp"
#include "codec/uri.hpp"

#include <algorithm>

namespace troupe::s3 {

namespace {

constexpr std::uint32_t keys_max = 1000;

// What all listings have in common: their parameters, and the page.
struct listing_call {
  explicit listing_call(call& c_) : c(c_), show{c_} {
    prefix = c.query_or_empty("prefix");
    delimiter = c.query_or_empty("delimiter");
    max_keys = std::min(c.number("max-keys", keys_max, 0, INT32_MAX), keys_max);
    for (const auto* name : {"prefix", "delimiter", "marker", "start-after", "key-marker"})
      if (const auto* value = c.query(name); value != nullptr && !valid_utf8(*value))
        throw s3_error{ec::invalid_argument, std::string{name} + " is not valid UTF-8."};
  }

  http::task<listing> page(std::string start_after) {
    list_objects what{.bucket = c.bucket(),
      .prefix = prefix,
      .delimiter = delimiter,
      .start_after = std::move(start_after),
      .limit = max_keys};
    co_return must(co_await c.store.list(std::move(what)));
  }

  void write_contents(xml_writer& x, const listing& page, bool with_owner) const {
    for (const auto& e : page.entries) {
      if (e.is_prefix) continue;
      x.open("Contents").element("Key", show(e.key));
      write_record(x, e.record);
      if (with_owner) write_owner(x, "Owner", c.config);
      x.close();
    }
  }
  void write_versions(xml_writer& x, const listing& page) const {
    for (const auto& e : page.entries) {
      if (e.is_prefix) continue;
      x.open("Version").element("Key", show(e.key)).element("VersionId", "null").element("IsLatest", "true");
      write_record(x, e.record);
      write_owner(x, "Owner", c.config);
      x.close();
    }
  }
  void write_prefixes(xml_writer& x, const listing& page) const {
    for (const auto& e : page.entries)
      if (e.is_prefix) x.open("CommonPrefixes").element("Prefix", show(e.key)).close();
  }
  void write_limits(xml_writer& x, const listing& page) const {
    x.element("MaxKeys", max_keys);
    if (!delimiter.empty()) x.element("Delimiter", show(delimiter));
    if (show.encoded) x.element("EncodingType", "url");
    x.element("IsTruncated", page.truncated);
  }

  call& c;
  key_display show;
  std::string prefix, delimiter;
  std::uint32_t max_keys = keys_max;

private:
  void write_record(xml_writer& x, const pb::object_record& record) const {
    x.element("LastModified", shown_time(record.modified_ms())).element("ETag", quoted(record.etag()));
    for (const auto& sum : record.checksums()) x.element("ChecksumAlgorithm", sum.algorithm());
    write_checksum_type(x, record.checksums());
    x.element("Size", std::uint64_t{record.size()})
      .element("StorageClass", shown_storage_class(record.storage_class()));
  }
};

http::task<> list_v1(call& c) {
  listing_call l{c};
  const auto marker = c.query_or_empty("marker");
  const auto page = co_await l.page(marker);
  std::string xml;
  xml_writer x{xml};
  x.open("ListBucketResult", xml_namespace).element("Name", c.where.bucket);
  x.element("Prefix", l.show(l.prefix)).element("Marker", l.show(marker));
  // Without a delimiter the last key says the same, and S3 sends nothing.
  if (page.truncated && !l.delimiter.empty()) x.element("NextMarker", l.show(page.last));
  l.write_limits(x, page);
  l.write_contents(x, page, true);
  l.write_prefixes(x, page);
  x.close();
  co_await c.send_xml(std::move(xml));
}

http::task<> list_v2(call& c) {
  listing_call l{c};
  const auto start_after = c.query_or_empty("start-after");
  const auto* token = c.query("continuation-token");
  auto from = start_after; // two statements: GCC 12 mistreats co_await inside ?:
  if (token != nullptr) from = must(read_page_token(*token, l.prefix));
  const auto page = co_await l.page(std::move(from));
  std::string xml;
  xml_writer x{xml};
  x.open("ListBucketResult", xml_namespace).element("Name", c.where.bucket).element("Prefix", l.show(l.prefix));
  if (token != nullptr) x.element("ContinuationToken", *token);
  if (!start_after.empty()) x.element("StartAfter", l.show(start_after));
  if (page.truncated) x.element("NextContinuationToken", make_page_token(page.last, l.prefix));
  x.element("KeyCount", std::uint64_t{page.entries.size()});
  l.write_limits(x, page);
  l.write_contents(x, page, c.query_or_empty("fetch-owner") == "true");
  l.write_prefixes(x, page);
  x.close();
  co_await c.send_xml(std::move(xml));
}

} // namespace

http::task<> on_list_objects(call& c) {
  if (c.where.op == operation::list_objects_v2) return list_v2(c);
  return list_v1(c);
}

// Every object is the one version "null" of its key.
http::task<> on_list_object_versions(call& c) {
  listing_call l{c};
  const auto key_marker = c.query_or_empty("key-marker"), version_marker = c.query_or_empty("version-id-marker");
  if (!version_marker.empty() && key_marker.empty())
    throw s3_error{ec::invalid_argument, "A version-id marker cannot be specified without a key marker."};
  if (!version_marker.empty() && version_marker != "null")
    throw s3_error{ec::invalid_argument, "Invalid version id specified"};
  const auto page = co_await l.page(key_marker);
  std::string xml;
  xml_writer x{xml};
  x.open("ListVersionsResult", xml_namespace).element("Name", c.where.bucket).element("Prefix", l.show(l.prefix));
  x.element("KeyMarker", l.show(key_marker)).element("VersionIdMarker", version_marker);
  if (page.truncated) {
    x.element("NextKeyMarker", l.show(page.last));
    if (!page.entries.back().is_prefix) x.element("NextVersionIdMarker", "null");
  }
  l.write_limits(x, page);
  l.write_versions(x, page);
  l.write_prefixes(x, page);
  x.close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
