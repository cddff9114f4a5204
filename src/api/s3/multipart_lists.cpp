// ListParts and ListMultipartUploads.
#include "api/s3/call.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/shapes.hpp"
#include "api/s3/upload_id.hpp"

#include <algorithm>

namespace troupe::s3 {

namespace {
constexpr std::uint32_t page_max = 1000;
}

http::task<> on_list_parts(call& c) {
  const auto id = upload_id_of(c);
  const auto marker = c.number("part-number-marker", 0, 0, INT32_MAX);
  const auto most = std::min(c.number("max-parts", page_max, 0, INT32_MAX), page_max);
  const key_display show{c};
  const auto upload = must(co_await c.store.upload(c.bucket(), c.key(), id));
  std::vector<pb::part_record> parts;
  if (most != 0) parts = must(co_await c.store.list_parts(c.bucket(), c.key(), id, marker, most));
  const bool truncated = parts.size() > most;
  if (truncated) parts.resize(most);
  std::string xml;
  xml_writer x{xml};
  x.open("ListPartsResult", xml_namespace).element("Bucket", c.where.bucket).element("Key", show(c.where.key));
  x.element("UploadId", show_upload_id(id));
  write_owner(x, "Initiator", c.config);
  write_owner(x, "Owner", c.config);
  x.element("StorageClass", shown_storage_class(upload.storage_class())).element("PartNumberMarker", marker);
  x.element("NextPartNumberMarker", parts.empty() ? 0u : parts.back().number());
  x.element("MaxParts", most);
  if (show.encoded) x.element("EncodingType", "url");
  x.element("IsTruncated", truncated);
  if (!upload.checksum_algorithm().empty())
    x.element("ChecksumAlgorithm", upload.checksum_algorithm())
      .element("ChecksumType", upload.full_object_checksum() ? "FULL_OBJECT" : "COMPOSITE");
  for (const auto& part : parts) {
    x.open("Part").element("PartNumber", part.number()).element("LastModified", shown_time(part.modified_ms()));
    x.element("ETag", quoted(part.etag())).element("Size", std::uint64_t{part.size()});
    write_checksums(x, part.checksums());
    x.close();
  }
  x.close();
  co_await c.send_xml(std::move(xml));
}

http::task<> on_list_multipart_uploads(call& c) {
  const auto prefix = c.query_or_empty("prefix"), delimiter = c.query_or_empty("delimiter");
  const auto key_marker = c.query_or_empty("key-marker"), id_marker = c.query_or_empty("upload-id-marker");
  const auto most = std::min(c.number("max-uploads", page_max, 0, INT32_MAX), page_max);
  const key_display show{c};
  std::optional<data_id> after;
  if (!key_marker.empty() && !id_marker.empty()) { // without a key marker it means nothing
    after = parse_upload_id(id_marker);
    if (!after) throw s3_error{ec::invalid_argument, "Invalid uploadId marker"};
  }
  const auto page = must(co_await c.store.list_uploads(c.bucket(), prefix, delimiter, key_marker, after, most));
  std::string xml;
  xml_writer x{xml};
  x.open("ListMultipartUploadsResult", xml_namespace).element("Bucket", c.where.bucket);
  x.element("KeyMarker", show(key_marker)).element("UploadIdMarker", id_marker);
  if (page.truncated && !page.entries.empty()) {
    const auto& last = page.entries.back();
    x.element("NextKeyMarker", show(last.key))
      .element("NextUploadIdMarker", last.is_prefix ? std::string{} : show_upload_id(last.upload_id));
  }
  x.element("Prefix", show(prefix));
  if (!delimiter.empty()) x.element("Delimiter", show(delimiter));
  x.element("MaxUploads", most);
  if (show.encoded) x.element("EncodingType", "url");
  x.element("IsTruncated", page.truncated);
  for (const auto& e : page.entries) {
    if (e.is_prefix) continue;
    x.open("Upload").element("Key", show(e.key)).element("UploadId", show_upload_id(e.upload_id));
    write_owner(x, "Initiator", c.config);
    write_owner(x, "Owner", c.config);
    x.element("StorageClass", shown_storage_class(e.record.storage_class()));
    x.element("Initiated", shown_time(e.record.started_ms()));
    if (!e.record.checksum_algorithm().empty())
      x.element("ChecksumAlgorithm", e.record.checksum_algorithm())
        .element("ChecksumType", e.record.full_object_checksum() ? "FULL_OBJECT" : "COMPOSITE");
    x.close();
  }
  for (const auto& e : page.entries)
    if (e.is_prefix) x.open("CommonPrefixes").element("Prefix", show(e.key)).close();
  x.close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
