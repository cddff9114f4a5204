// PutObject.
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/put_answer.hpp"

namespace troupe::s3 {

http::task<> on_put_object(call& c) {
  auto content = c.content();
  troupe::put_object what;
  what.size = content.length();
  if (what.size > upload_bytes_max)
    throw s3_error{ec::entity_too_large}
      .with_element("ProposedSize", std::to_string(what.size))
      .with_element("MaxSizeAllowed", std::to_string(upload_bytes_max));
  what.bucket = c.bucket();
  what.key = c.key();
  auto described = read_object_headers(c.headers);
  what.headers = std::move(described.headers);
  what.metadata = std::move(described.metadata);
  what.tags = read_tags(c.header("x-amz-tagging"));
  what.storage_class = read_storage_class(c.header("x-amz-storage-class"));
  what.encrypt = wants_encryption(c.header("x-amz-server-side-encryption"));
  what.durability = read_durability(c.header("x-troupe-durability"));
  what.conditions = must(write_conditions(c.header("If-Match"), c.header("If-None-Match")));
  what.checksums = content.announced();
  if (const auto kind = read_algorithm(c.header("x-amz-checksum-algorithm")); kind && what.checksums.empty())
    what.checksums.add(*kind);
  what.expected = content.expected();
  const auto outcome = must(co_await c.store.put(std::move(what), content.source()));
  set_put_headers(c.res, outcome);
  co_await c.res.send();
}

} // namespace troupe::s3
