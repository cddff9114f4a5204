#include "cli/s3_xml.hpp"

#include "codec/uri.hpp"
#include "codec/xml.hpp"

#include <charconv>

namespace troupe::cli {

namespace {

constexpr std::size_t answer_bytes_max = std::size_t{16} << 20;

result<xml_document> load(std::string_view xml) {
  auto document = xml_document::parse(xml, answer_bytes_max);
  if (!document) return fail(ec::malformed_xml, "the server's answer is not XML: " + document.error().message);
  return document;
}

result<xml_document> load(std::string_view xml, std::string_view root) {
  auto document = load(xml);
  if (document && document->root().name() != root)
    return fail(ec::malformed_xml,
      "the server answered <" + std::string{document->root().name()} + "> where <" + std::string{root} +
        "> was expected");
  return document;
}

std::string text(const xml_element& element, std::string_view child) { return element.child_text(child).value_or(""); }

// Names come percent-encoded when asked for with encoding-type=url, where '+' is a space.
struct name_decoder {
  bool encoded;
  result<std::string> operator()(std::string name) const {
    if (!encoded) return name;
    auto decoded = percent_decode(name, true);
    if (!decoded) return fail(ec::malformed_xml, "the server's answer holds a badly encoded key: " + name);
    return *std::move(decoded);
  }
};

void append_escaped(std::string& out, std::string_view s) {
  for (const char c : s) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (static_cast<unsigned char>(c) < 0x20 || c == '"')
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else
      out += c;
  }
}

void append_element(std::string& out, std::string_view name, std::string_view value) {
  ((out += '<') += name) += '>';
  append_escaped(out, value);
  ((out += "</") += name) += '>';
}

} // namespace

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string{etag};
}

std::optional<s3_fault> parse_fault(std::string_view xml) {
  const auto document = load(xml, "Error");
  if (!document) return std::nullopt;
  const auto root = document->root();
  return s3_fault{.code = text(root, "Code"), .message = text(root, "Message"), .request_id = text(root, "RequestId")};
}

result<std::vector<bucket_entry>> parse_buckets(std::string_view xml) {
  const auto document = load(xml, "ListAllMyBucketsResult");
  if (!document) return document.error();
  std::vector<bucket_entry> buckets;
  const auto list = document->root().child("Buckets");
  if (!list) return buckets;
  for (const auto& bucket : list->children("Bucket"))
    buckets.push_back({.name = text(bucket, "Name"), .created = text(bucket, "CreationDate")});
  return buckets;
}

result<object_page> parse_object_page(std::string_view xml) {
  const auto document = load(xml, "ListBucketResult");
  if (!document) return document.error();
  const auto root = document->root();
  const name_decoder decode{text(root, "EncodingType") == "url"};
  object_page page;
  for (const auto& object : root.children("Contents")) {
    auto key = decode(text(object, "Key"));
    if (!key) return key.error();
    const auto size_text = text(object, "Size");
    std::uint64_t size = 0;
    const auto* const end = size_text.data() + size_text.size();
    if (const auto [at, fault] = std::from_chars(size_text.data(), end, size); fault != std::errc{} || at != end)
      return fail(ec::malformed_xml, "the server's listing gives '" + size_text + "' as the size of " + *key);
    page.objects.push_back({.key = *std::move(key),
      .modified = text(object, "LastModified"),
      .etag = unquoted(text(object, "ETag")),
      .size = size});
  }
  for (const auto& prefix : root.children("CommonPrefixes")) {
    auto name = decode(text(prefix, "Prefix"));
    if (!name) return name.error();
    page.prefixes.push_back(*std::move(name));
  }
  if (text(root, "IsTruncated") == "true") {
    page.next = text(root, "NextContinuationToken");
    if (page.next.empty())
      return fail(ec::malformed_xml, "the server says there is more to list but gives no continuation token");
  }
  return page;
}

result<upload_page> parse_upload_page(std::string_view xml) {
  const auto document = load(xml, "ListMultipartUploadsResult");
  if (!document) return document.error();
  const auto root = document->root();
  const name_decoder decode{text(root, "EncodingType") == "url"};
  upload_page page;
  for (const auto& upload : root.children("Upload")) {
    auto key = decode(text(upload, "Key"));
    if (!key) return key.error();
    page.uploads.push_back({.key = *std::move(key), .id = text(upload, "UploadId")});
  }
  if (text(root, "IsTruncated") == "true") {
    auto key = decode(text(root, "NextKeyMarker"));
    if (!key) return key.error();
    page.next_key = *std::move(key);
    page.next_id = text(root, "NextUploadIdMarker");
  }
  return page;
}

result<std::string> parse_upload_id(std::string_view xml) {
  const auto document = load(xml, "InitiateMultipartUploadResult");
  if (!document) return document.error();
  auto id = text(document->root(), "UploadId");
  if (id.empty()) return fail(ec::malformed_xml, "the server started an upload without an UploadId");
  return id;
}

result<std::string> parse_etag(std::string_view xml) {
  const auto document = load(xml);
  if (!document) return document.error();
  auto etag = unquoted(text(document->root(), "ETag"));
  if (etag.empty()) return fail(ec::malformed_xml, "the server's answer has no ETag");
  return etag;
}

std::string complete_upload_xml(std::span<const finished_part> parts) {
  std::string xml = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (const auto& part : parts) {
    xml += "<Part>";
    append_element(xml, "PartNumber", std::to_string(part.number));
    append_element(xml, "ETag", '"' + part.etag + '"');
    if (!part.crc64nvme.empty()) append_element(xml, "ChecksumCRC64NVME", part.crc64nvme);
    xml += "</Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

std::string delete_objects_xml(std::span<const std::string> keys) {
  std::string xml = R"(<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>)";
  for (const auto& key : keys) {
    xml += "<Object>";
    append_element(xml, "Key", key);
    xml += "</Object>";
  }
  return xml + "</Delete>";
}

result<std::vector<refused_delete>> parse_refused_deletes(std::string_view xml) {
  const auto document = load(xml, "DeleteResult");
  if (!document) return document.error();
  std::vector<refused_delete> refused;
  for (const auto& entry : document->root().children("Error"))
    refused.push_back({.key = text(entry, "Key"),
      .fault = {.code = text(entry, "Code"), .message = text(entry, "Message"), .request_id = {}}});
  return refused;
}

} // namespace troupe::cli
