// Buckets: ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.
#include "api/s3/call.hpp"
#include "api/s3/page_token.hpp"
#include "api/s3/shapes.hpp"
#include "codec/text.hpp"

namespace troupe::s3 {

http::task<> on_list_buckets(call& c) {
  const auto most = c.number("max-buckets", 10'000, 1, 10'000);
  const auto prefix = c.query_or_empty("prefix");
  const auto* region = c.query("bucket-region");
  const auto* token = c.query("continuation-token");
  std::string after;
  if (token != nullptr) after = must(read_page_token(*token, prefix));

  const auto all = must(co_await c.store.list_buckets());
  std::string xml;
  xml_writer x{xml};
  x.open("ListAllMyBucketsResult", xml_namespace);
  write_owner(x, "Owner", c.config);
  x.open("Buckets");
  std::uint32_t shown = 0;
  std::string_view last;
  bool truncated = false;
  for (const auto& [name, record] : all) {
    if (!name.starts_with(prefix) || name <= after || (region != nullptr && *region != record.region())) continue;
    if (!is_shown(c, name)) continue;
    if (shown == most) {
      truncated = true;
      break;
    }
    x.open("Bucket").element("Name", name).element("CreationDate", format_iso8601(record.created_ms()));
    if (c.query("max-buckets") != nullptr || region != nullptr) x.element("BucketRegion", record.region());
    x.close();
    last = name;
    ++shown;
  }
  x.close();
  if (truncated) x.element("ContinuationToken", make_page_token(last, prefix));
  if (!prefix.empty()) x.element("Prefix", prefix);
  x.close();
  co_await c.send_xml(std::move(xml));
}

namespace {

constexpr std::size_t document_bytes_max = 64 * 1024;

// The body is optional; all that may be in it is where the bucket shall be.
std::string wanted_region(const std::string& text, const surface_config& config) {
  if (text.empty()) return config.region;
  const auto document = must(xml_document::parse(text, document_bytes_max));
  const auto root = document.root();
  if (root.name() != "CreateBucketConfiguration") throw s3_error{ec::malformed_xml};
  std::string region;
  for (const auto child : root.children()) {
    if (child.name() != "LocationConstraint")
      throw s3_error{ec::not_implemented,
        "The element " + std::string{child.name()} + " of CreateBucketConfiguration is not implemented."};
    region = child.text();
  }
  if (region == "EU") region = "eu-west-1"; // its old name
  if (!region.empty() && region != config.region)
    throw s3_error{ec::illegal_location_constraint,
      "The " + region +
        " location constraint is incompatible for the region specific endpoint this request was sent to."};
  return config.region;
}

} // namespace

http::task<> on_create_bucket(call& c) {
  auto content = c.content();
  const auto text = co_await content.read_document(document_bytes_max);
  auto region = wanted_region(text, c.config);
  must(co_await c.store.create_bucket(c.bucket(), c.config.owner_id, std::move(region)));
  c.res.set("Location", "/" + c.bucket());
  co_await c.res.send();
}

http::task<> on_head_bucket(call& c) {
  const auto record = must(co_await c.store.bucket(c.bucket()));
  c.res.set("x-amz-bucket-region", record.region().empty() ? c.config.region : record.region());
  c.res.set("x-amz-access-point-alias", "false");
  co_await c.res.send();
}

http::task<> on_delete_bucket(call& c) {
  must(co_await c.store.delete_bucket(c.bucket()));
  c.res.status = 204;
  co_await c.res.send();
}

http::task<> on_get_bucket_location(call& c) {
  const auto record = must(co_await c.store.bucket(c.bucket()));
  std::string xml;
  xml_writer x{xml};
  // us-east-1 is shown as nothing, for history's sake.
  x.open("LocationConstraint", xml_namespace)
    .text(record.region() == "us-east-1" ? std::string_view{} : std::string_view{record.region()})
    .close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
