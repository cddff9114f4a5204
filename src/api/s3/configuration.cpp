// Bucket and object configuration that cannot be set here: what a GET of it truthfully answers.
#include "api/s3/call.hpp"
#include "api/s3/shapes.hpp"

namespace troupe::s3 {

namespace {

void write_private_acl(xml_writer& x, const surface_config& config) {
  x.open("AccessControlPolicy", xml_namespace);
  write_owner(x, "Owner", config);
  x.open("AccessControlList").open("Grant");
  x.open("Grantee")
    .attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    .attribute("xsi:type", "CanonicalUser");
  x.element("ID", config.owner_id).element("DisplayName", config.owner_name).close();
  x.element("Permission", "FULL_CONTROL").close().close().close();
}

} // namespace

http::task<> on_bucket_configuration(call& c) {
  const auto record = must(co_await c.store.bucket(c.bucket()));
  std::string xml;
  xml_writer x{xml};
  switch (c.where.op) {
  case operation::get_bucket_versioning:
    x.open("VersioningConfiguration", xml_namespace).close();
    break; // never enabled
  case operation::get_bucket_acl: write_private_acl(x, c.config); break;
  case operation::get_bucket_request_payment:
    x.open("RequestPaymentConfiguration", xml_namespace).element("Payer", "BucketOwner").close();
    break;
  case operation::get_bucket_accelerate: x.open("AccelerateConfiguration", xml_namespace).close(); break;
  case operation::get_bucket_logging: x.open("BucketLoggingStatus", xml_namespace).close(); break;
  case operation::get_bucket_notification: x.open("NotificationConfiguration", xml_namespace).close(); break;
  default: throw s3_error{*c.where.absent};
  }
  co_await c.send_xml(std::move(xml));
}

http::task<> on_get_object_acl(call& c) {
  const auto object = must(co_await c.store.get(c.bucket(), c.key(), false));
  std::string xml;
  xml_writer x{xml};
  write_private_acl(x, c.config);
  co_await c.send_xml(std::move(xml));
}

http::task<> on_get_object_lock_state(call& c) {
  const auto object = must(co_await c.store.get(c.bucket(), c.key(), false));
  throw s3_error{ec::invalid_request, "Bucket is missing Object Lock Configuration"};
}

} // namespace troupe::s3
