// CopyObject: the source is read, verified and written anew; nothing is shared between the two objects.
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/copy_source.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/put_answer.hpp"

namespace troupe::s3 {

namespace {

// x-amz-metadata-directive and x-amz-tagging-directive.
bool replaces(const call& c, std::string_view directive) {
  const auto value = c.header(directive);
  if (value.empty() || value == "COPY") return false;
  if (value == "REPLACE") return true;
  throw s3_error{ec::invalid_argument, "Unknown " + std::string{directive} + "."};
}

name_values pairs(const google::protobuf::RepeatedPtrField<pb::name_value>& from) {
  name_values to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& p : from) to.emplace_back(p.name(), p.value());
  return to;
}

} // namespace

http::task<> on_copy_object(call& c) {
  const auto from = must(parse_copy_source(c.header("x-amz-copy-source")));
  const bool new_metadata = replaces(c, "x-amz-metadata-directive"), new_tags = replaces(c, "x-amz-tagging-directive");
  const auto asked_class = c.header("x-amz-storage-class");

  troupe::put_object what;
  what.bucket = c.bucket();
  what.key = c.key();
  what.storage_class = read_storage_class(asked_class);
  what.encrypt = wants_encryption(c.header("x-amz-server-side-encryption"));
  what.durability = read_durability(c.header("x-troupe-durability"));
  what.conditions = must(write_conditions(c.header("If-Match"), c.header("If-None-Match")));
  if (new_metadata) {
    auto described = read_object_headers(c.headers);
    what.headers = std::move(described.headers);
    what.metadata = std::move(described.metadata);
  }
  if (new_tags) what.tags = read_tags(c.header("x-amz-tagging"));
  const auto algorithm = read_algorithm(c.header("x-amz-checksum-algorithm"));

  const auto source = co_await open_copy_source(c, from);
  const auto& record = source.record;
  const bool other_class = !asked_class.empty() && what.storage_class != record.storage_class();
  if (from.bucket == what.bucket && from.key == what.key && !new_metadata && !new_tags && !other_class && !algorithm &&
    !what.encrypt)
    throw s3_error{ec::invalid_request,
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
      "metadata, storage class, website redirect location or encryption attributes."};
  if (record.size() > upload_bytes_max)
    throw s3_error{ec::invalid_request,
      "The specified copy source is larger than the maximum allowable size for a copy source: " +
        std::to_string(upload_bytes_max)};
  what.size = record.size();
  if (!new_metadata) {
    what.headers = pairs(record.headers());
    what.metadata = pairs(record.metadata());
  }
  if (!new_tags) what.tags = pairs(record.tags());
  if (algorithm) {
    what.checksums.add(*algorithm);
  } else {
    for (const auto& sum : record.checksums()) // computed anew: a composite one becomes one of the whole object
      if (const auto kind = checksum_kind_named(sum.algorithm())) what.checksums.add(*kind);
  }
  object_content content{c.store.read(source, 0, record.size())};
  const auto outcome = must(co_await c.store.put(std::move(what), content));
  set_encryption_header(c.res, outcome.encrypted);
  co_await c.send_xml(copy_result("CopyObjectResult", outcome));
}

} // namespace troupe::s3
