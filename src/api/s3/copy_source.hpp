// copy_source: x-amz-copy-source and its conditions: what CopyObject and UploadPartCopy read from.
#pragma once

#include "api/objects/object_store.hpp"
#include "base/error.hpp"

#include <string>
#include <string_view>

namespace troupe::s3 {

struct call;

struct source_name {
  std::string bucket, key;
};

// "[/]bucket/key[?versionId=null]", percent-encoded. Checks both names too.
result<source_name> parse_copy_source(std::string_view header);

// The source as of now, its x-amz-copy-source-if-... conditions held. Throws s3_error.
http::task<stored_object> open_copy_source(call&, const source_name&);

} // namespace troupe::s3
