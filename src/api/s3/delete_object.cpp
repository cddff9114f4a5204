// DeleteObject and DeleteObjects.
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/names.hpp"
#include "api/s3/shapes.hpp"

namespace troupe::s3 {

http::task<> on_delete_object(call& c) {
  auto conditions = must(write_conditions(c.header("If-Match"), {}));
  must(co_await c.store.remove(c.bucket(), c.key(), std::move(conditions)));
  c.res.status = 204;
  co_await c.res.send();
}

namespace {

constexpr std::size_t keys_max = 1000;

struct doomed {
  std::string key;
  std::optional<std::string> version, etag;
  bool by_time_or_size = false;
};

struct doomed_list {
  std::vector<doomed> objects;
  bool quiet = false;
};

doomed_list parse(const std::string& text, std::size_t bytes_max) {
  auto const document = must(xml_document::parse(text, bytes_max));
  auto const root = document.root();
  if (root.name() != "Delete") throw s3_error{ec::malformed_xml};
  doomed_list list;
  for (auto const child : root.children()) {
    if (child.name() == "Quiet") list.quiet = child.text() == "true";
    if (child.name() != "Object") continue;
    if (list.objects.size() == keys_max) throw s3_error{ec::malformed_xml};
    auto key = child.child_text("Key");
    if (!key) throw s3_error{ec::malformed_xml};
    list.objects.push_back({.key = std::move(*key),
                            .version = child.child_text("VersionId"),
                            .etag = child.child_text("ETag"),
                            .by_time_or_size = child.child("LastModifiedTime") || child.child("Size")});
  }
  if (list.objects.empty()) throw s3_error{ec::malformed_xml};
  return list;
}

http::task<result<>> remove(call& c, const doomed& d) {
  if (auto ok = check_key(d.key); !ok) co_return ok.error();
  if (d.version && !d.version->empty())
    if (auto ok = check_version_id(*d.version); !ok) co_return ok.error();
  if (d.by_time_or_size) co_return fail(ec::not_implemented, "Deleting by modification time or size is not implemented.");
  auto conditions = write_conditions(d.etag.value_or(""), {});
  if (!conditions) co_return conditions.error();
  co_return co_await c.store.remove(c.bucket(), d.key, std::move(*conditions));
}

} // namespace

http::task<> on_delete_objects(call& c) {
  auto content = c.content();
  if (!content.guarded()) throw s3_error{ec::invalid_request, "Missing required header for this request: Content-MD5"};
  (void)content.length(); // 411 when there is none
  auto const text = co_await content.read_document(c.config.document_bytes_max);
  auto const list = parse(text, c.config.document_bytes_max);
  must(co_await c.store.bucket(c.bucket()));
  std::string xml;
  xml_writer x{xml};
  x.open("DeleteResult", xml_namespace);
  for (auto const& d : list.objects) {
    auto const done = co_await remove(c, d);
    if (done) {
      if (list.quiet) continue;
      x.open("Deleted").element("Key", d.key);
      if (d.version) x.element("VersionId", *d.version);
      x.close();
      continue;
    }
    s3_error const e{done.error()};
    x.open("Error").element("Key", d.key);
    if (d.version) x.element("VersionId", *d.version);
    x.element("Code", e.what_is.code).element("Message", e.text()).close();
  }
  x.close();
  co_await c.send_xml(std::move(xml));
}

} // namespace troupe::s3
