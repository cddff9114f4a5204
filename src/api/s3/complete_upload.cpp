// CompleteMultipartUpload.
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/shapes.hpp"
#include "api/s3/upload_id.hpp"
#include "codec/checksum.hpp"
#include "codec/uri.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::s3 {

namespace {

constexpr std::size_t parts_max = 10'000;
constexpr checksum_kind all_kinds[] = {
  checksum_kind::crc32, checksum_kind::crc32c, checksum_kind::crc64nvme, checksum_kind::sha1, checksum_kind::sha256};

std::uint64_t number(std::string_view text, ec otherwise, std::string_view what) {
  std::uint64_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size())
    throw s3_error{otherwise, std::string{what} + " is not a number."};
  return n;
}

std::vector<part_choice> parse(const std::string& text, std::size_t bytes_max) {
  const auto document = must(xml_document::parse(text, bytes_max));
  const auto root = document.root();
  if (root.name() != "CompleteMultipartUpload") throw s3_error{ec::malformed_xml};
  std::vector<part_choice> parts;
  for (const auto child : root.children("Part")) {
    if (parts.size() == parts_max) throw s3_error{ec::malformed_xml};
    const auto part_number = child.child_text("PartNumber"), etag = child.child_text("ETag");
    if (!part_number || !etag) throw s3_error{ec::malformed_xml};
    const auto n = number(*part_number, ec::malformed_xml, "PartNumber");
    if (n < 1 || n > parts_max)
      throw s3_error{ec::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive"};
    if (!parts.empty() && n <= parts.back().number) throw s3_error{ec::invalid_part_order};
    auto& part = parts.emplace_back();
    part.number = static_cast<std::uint32_t>(n);
    part.etag = unquoted(*etag);
    for (const auto kind : all_kinds)
      if (auto value = child.child_text("Checksum" + std::string{name_of(kind)})) {
        pb::checksum sum;
        sum.set_algorithm(std::string{name_of(kind)});
        sum.set_value(std::move(*value));
        part.checksums.push_back(std::move(sum));
      }
  }
  if (parts.empty()) throw s3_error{ec::malformed_xml, "You must specify at least one part"};
  return parts;
}

// x-amz-checksum-<kind>: of the object that shall come out. Checked against what the upload promised.
std::vector<pb::checksum> claimed_checksums(const call& c, const pb::upload_record& upload, std::size_t parts) {
  std::vector<pb::checksum> claims;
  for (const auto kind : all_kinds) {
    auto value = std::string{c.header("x-amz-checksum-" + std::string{name_of(kind)})}; // names compare without case
    if (value.empty()) continue;
    if (upload.checksum_algorithm() != name_of(kind))
      throw s3_error{ec::invalid_request,
        "The upload was created without the " + std::string{name_of(kind)} + " checksum algorithm."};
    const bool composite = !upload.full_object_checksum();
    if (composite && value.find('-') == value.npos) value += "-" + std::to_string(parts);
    if (!composite) (void)read_checksum(kind, value);
    pb::checksum sum;
    sum.set_algorithm(std::string{name_of(kind)});
    sum.set_value(std::move(value));
    sum.set_composite(composite);
    claims.push_back(std::move(sum));
  }
  return claims;
}

// x-amz-mp-object-size: what the chosen parts must add up to.
http::task<> check_size(call& c, const data_id& id, const std::vector<part_choice>& chosen) {
  const auto header = c.header("x-amz-mp-object-size");
  if (header.empty()) co_return;
  const auto wanted = number(header, ec::invalid_request, "x-amz-mp-object-size");
  const auto uploaded = must(co_await c.store.list_parts(c.bucket(), c.key(), id, 0, parts_max));
  std::uint64_t size = 0;
  for (const auto& part : uploaded)
    if (std::ranges::binary_search(chosen, part.number(), {}, &part_choice::number)) size += part.size();
  if (size != wanted)
    throw s3_error{ec::invalid_request,
      "The provided 'x-amz-mp-object-size' header value " + std::to_string(wanted) +
        " does not match what was computed: " + std::to_string(size)};
}

http::task<> answer(call& c, const std::string& etag, const std::vector<pb::checksum>& checksums) {
  std::string xml;
  xml_writer x{xml};
  x.open("CompleteMultipartUploadResult", xml_namespace);
  const auto host = c.req.host();
  const bool virtual_host = c.req.target().path.size() == c.where.key.size() + 1;
  x.element("Location",
    std::string{c.req.tls() ? "https://" : "http://"} + std::string{host} +
      (virtual_host ? "/" : "/" + c.bucket() + "/") + percent_encode(c.where.key, true));
  x.element("Bucket", c.where.bucket).element("Key", c.where.key).element("ETag", quoted(etag));
  write_checksums(x, checksums);
  write_checksum_type(x, checksums);
  x.close();
  co_await c.send_xml(std::move(xml));
}

// The client may have missed the first answer: while the object is this upload's, the answer is the same.
http::task<> answer_again(call& c, const data_id& id) {
  auto made = co_await c.store.get(c.bucket(), c.key(), false);
  if (!made && made.error().code == ec::no_such_key) throw s3_error{ec::no_such_upload};
  const auto object = must(std::move(made));
  if (object.record.upload_id() != id.to_bytes()) throw s3_error{ec::no_such_upload};
  const std::vector<pb::checksum> checksums{object.record.checksums().begin(), object.record.checksums().end()};
  set_encryption_header(c.res, object.record.has_sealing());
  co_await answer(c, object.record.etag(), checksums);
}

} // namespace

http::task<> on_complete_multipart_upload(call& c) {
  const auto id = upload_id_of(c);
  auto conditions = must(write_conditions(c.header("If-Match"), c.header("If-None-Match")));
  auto content = c.content(checksums_of::object);
  const auto text = co_await content.read_document(c.config.document_bytes_max);
  auto parts = parse(text, c.config.document_bytes_max);
  auto found = co_await c.store.upload(c.bucket(), c.key(), id);
  if (!found && found.error().code == ec::no_such_upload) co_return co_await answer_again(c, id);
  const auto upload = must(std::move(found));
  if (const auto type = c.header("x-amz-checksum-type"); !type.empty() && !upload.checksum_algorithm().empty() &&
      type != (upload.full_object_checksum() ? "FULL_OBJECT" : "COMPOSITE"))
    throw s3_error{ec::invalid_request, "The upload was created using the other checksum type."};
  auto claims = claimed_checksums(c, upload, parts.size());
  co_await check_size(c, id, parts);
  auto done = co_await c.store.complete_upload(
    c.bucket(), c.key(), id, std::move(parts), std::move(conditions), std::move(claims));
  if (!done && done.error().code == ec::no_such_upload) co_return co_await answer_again(c, id); // a retry overtook it
  const auto outcome = must(std::move(done));
  set_encryption_header(c.res, outcome.encrypted);
  co_await answer(c, outcome.etag, outcome.checksums);
}

} // namespace troupe::s3
