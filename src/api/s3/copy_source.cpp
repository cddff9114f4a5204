#include "api/s3/copy_source.hpp"

#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/names.hpp"
#include "codec/uri.hpp"

namespace troupe::s3 {

result<source_name> parse_copy_source(std::string_view header) {
  auto bad = [] {
    return fail(ec::invalid_argument, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  };
  if (header.starts_with("arn:")) return fail(ec::not_implemented, "Copying from an access point is not implemented.");
  // A question mark of the key is %3F, so this one is the parameter's.
  constexpr std::string_view parameter = "?versionId=";
  if (const auto mark = header.find(parameter); mark != header.npos) {
    const auto version = percent_decode(header.substr(mark + parameter.size()));
    if (!version) return bad();
    TROUPE_TRY(check_version_id(*version));
    header = header.substr(0, mark);
  }
  auto decoded = percent_decode(header);
  if (!decoded) return bad();
  std::string_view path = *decoded;
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  if (slash == path.npos || slash == 0 || slash + 1 == path.size()) return bad();
  source_name name{std::string{path.substr(0, slash)}, std::string{path.substr(slash + 1)}};
  TROUPE_TRY(check_bucket_name(name.bucket));
  TROUPE_TRY(check_key(name.key));
  return name;
}

http::task<stored_object> open_copy_source(call& c, const source_name& from) {
  check_allowed(c, identity::action::read, from.bucket, from.key);
  auto source = must(co_await c.store.get(from.bucket, from.key, true));
  const read_conditions conditions{.if_match = c.header("x-amz-copy-source-if-match"),
    .if_none_match = c.header("x-amz-copy-source-if-none-match"),
    .if_modified_since = c.header("x-amz-copy-source-if-modified-since"),
    .if_unmodified_since = c.header("x-amz-copy-source-if-unmodified-since")};
  if (conditions.any() && judge(conditions, source.record.etag(), source.record.modified_ms()) != verdict::proceed)
    throw s3_error{ec::precondition_failed};
  co_return source;
}

} // namespace troupe::s3
