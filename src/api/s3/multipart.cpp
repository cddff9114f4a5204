// Multipart uploads: CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload.
#include "api/s3/call.hpp"
#include "api/s3/copy_source.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/put_answer.hpp"
#include "api/s3/ranges.hpp"
#include "api/s3/shapes.hpp"
#include "api/s3/upload_id.hpp"

namespace troupe::s3 {

namespace {

constexpr std::uint32_t part_number_max = 10'000;

std::uint32_t part_number(const call& c) {
  const auto* text = c.query("partNumber");
  if (text == nullptr || text->empty())
    throw s3_error{ec::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive"};
  return c.number("partNumber", 0, 1, part_number_max);
}

void add_pairs(const name_values& from, google::protobuf::RepeatedPtrField<pb::name_value>* to) {
  for (const auto& [name, value] : from) {
    auto* pair = to->Add();
    pair->set_name(name);
    pair->set_value(value);
  }
}

// Whether the upload's checksum will be of the whole object (and not of its parts' checksums). CRC64NVME always is, and
// the digests never are, because they can not be combined.
bool full_object(checksum_kind kind, std::string_view type) {
  const bool crc64 = kind == checksum_kind::crc64nvme,
             digest = kind == checksum_kind::sha1 || kind == checksum_kind::sha256;
  if (type.empty()) return crc64;
  const bool full = type == "FULL_OBJECT";
  if (!full && type != "COMPOSITE")
    throw s3_error{ec::invalid_request, "Value for x-amz-checksum-type header is invalid."};
  if ((full && digest) || (!full && crc64))
    throw s3_error{ec::invalid_request,
      "The " + std::string{type} + " checksum type cannot be used with the " + std::string{name_of(kind)} +
        " checksum algorithm."};
  return full;
}

} // namespace

http::task<> on_create_multipart_upload(call& c) {
  const auto described = read_object_headers(c.headers);
  const auto algorithm = read_algorithm(c.header("x-amz-checksum-algorithm"));
  const auto type = c.header("x-amz-checksum-type");
  if (!type.empty() && !algorithm)
    throw s3_error{
      ec::invalid_request, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."};
  pb::upload_record what;
  add_pairs(described.headers, what.mutable_headers());
  add_pairs(described.metadata, what.mutable_metadata());
  add_pairs(read_tags(c.header("x-amz-tagging")), what.mutable_tags());
  what.set_owner(c.config.owner_id);
  what.set_encrypt(wants_encryption(c.header("x-amz-server-side-encryption")));
  what.set_storage_class(read_storage_class(c.header("x-amz-storage-class")));
  if (algorithm) {
    what.set_checksum_algorithm(std::string{name_of(*algorithm)});
    what.set_full_object_checksum(full_object(*algorithm, type));
  }
  const bool whole = what.full_object_checksum();
  const auto id = must(co_await c.store.create_upload(c.bucket(), c.key(), std::move(what)));
  std::string xml;
  xml_writer x{xml};
  x.open("InitiateMultipartUploadResult", xml_namespace);
  x.element("Bucket", c.where.bucket).element("Key", c.where.key).element("UploadId", show_upload_id(id)).close();
  if (algorithm)
    c.res.set("x-amz-checksum-algorithm", name_of(*algorithm))
      .set("x-amz-checksum-type", whole ? "FULL_OBJECT" : "COMPOSITE");
  co_await c.send_xml(std::move(xml));
}

http::task<> on_upload_part(call& c) {
  const auto id = upload_id_of(c);
  const auto number = part_number(c);
  auto content = c.content();
  troupe::put_object what;
  what.size = content.length();
  if (what.size > upload_bytes_max)
    throw s3_error{ec::entity_too_large}
      .with_element("ProposedSize", std::to_string(what.size))
      .with_element("MaxSizeAllowed", std::to_string(upload_bytes_max));
  what.bucket = c.bucket();
  what.key = c.key();
  what.durability = read_durability(c.header("x-troupe-durability"));
  what.checksums = content.announced();
  what.expected = content.expected();
  const auto outcome = must(co_await c.store.put_part(std::move(what), id, number, content.source()));
  set_put_headers(c.res, outcome);
  co_await c.res.send();
}

http::task<> on_upload_part_copy(call& c) {
  const auto id = upload_id_of(c);
  const auto number = part_number(c);
  const auto from = must(parse_copy_source(c.header("x-amz-copy-source")));
  const auto source = co_await open_copy_source(c, from);
  byte_range range{0, source.record.size()};
  if (const auto header = c.header("x-amz-copy-source-range"); !header.empty())
    range = must(copy_range(header, source.record.size()));
  if (range.length > upload_bytes_max)
    throw s3_error{ec::invalid_request,
      "The specified copy source is larger than the maximum allowable size for a copy source: " +
        std::to_string(upload_bytes_max)};
  troupe::put_object what;
  what.size = range.length;
  what.bucket = c.bucket();
  what.key = c.key();
  what.durability = read_durability(c.header("x-troupe-durability"));
  object_content content{c.store.read(source, range.offset, range.length)};
  const auto outcome = must(co_await c.store.put_part(std::move(what), id, number, content));
  co_await c.send_xml(copy_result("CopyPartResult", outcome));
}

http::task<> on_abort_multipart_upload(call& c) {
  must(co_await c.store.abort_upload(c.bucket(), c.key(), upload_id_of(c)));
  c.res.status = 204;
  co_await c.res.send();
}

} // namespace troupe::s3
