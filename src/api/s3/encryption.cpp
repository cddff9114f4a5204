// GetBucketEncryption, PutBucketEncryption, DeleteBucketEncryption: SSE-S3, which is what there is.
#include "api/s3/call.hpp"
#include "api/s3/errors.hpp"
#include "api/s3/shapes.hpp"

namespace troupe::s3 {

namespace {

constexpr std::size_t document_bytes_max = std::size_t{64} << 10;
constexpr std::string_view root_name = "ServerSideEncryptionConfiguration";
constexpr std::string_view default_name = "ApplyServerSideEncryptionByDefault";

// Exactly one rule that asks for AES256.
void check_wanted(const std::string& text) {
  const auto document = must(xml_document::parse(text, document_bytes_max));
  const auto root = document.root();
  const auto rules = root.children("Rule");
  if (root.name() != root_name || rules.size() != 1) throw s3_error{ec::malformed_xml};
  const auto wanted = rules.front().child(default_name);
  const auto algorithm = wanted ? wanted->child_text("SSEAlgorithm") : std::nullopt;
  if (!algorithm) throw s3_error{ec::malformed_xml};
  if (*algorithm != "AES256")
    throw s3_error{ec::not_implemented, "Server-side encryption by " + *algorithm + " is not implemented: AES256 is."};
}

} // namespace

http::task<> on_get_bucket_encryption(call& c) {
  const auto record = must(co_await c.store.bucket(c.bucket()));
  if (!c.store.encrypts(record)) throw s3_error{codes::no_encryption};
  std::string xml;
  xml_writer x{xml};
  x.open(root_name, xml_namespace).open("Rule").open(default_name);
  x.element("SSEAlgorithm", "AES256").close();
  x.element("BucketKeyEnabled", "false").close().close();
  co_await c.send_xml(std::move(xml));
}

http::task<> on_put_bucket_encryption(call& c) {
  auto content = c.content();
  check_wanted(co_await content.read_document(document_bytes_max));
  must(co_await c.store.set_encryption(c.bucket(), "on"));
  co_await c.res.send();
}

http::task<> on_delete_bucket_encryption(call& c) {
  must(co_await c.store.set_encryption(c.bucket(), {}));
  c.res.status = 204;
  co_await c.res.send();
}

} // namespace troupe::s3
