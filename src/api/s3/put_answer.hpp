// put_answer: what the answers to PutObject, UploadPart and the copies have in common.
#pragma once

#include "api/objects/object_store.hpp"
#include "codec/xml.hpp"

namespace troupe::http {
class response;
}

namespace troupe::s3 {

// ETag, x-amz-checksum-<kind>, x-amz-checksum-type.
void set_put_headers(http::response&, const put_outcome&);
// <CopyObjectResult> or <CopyPartResult>, whole.
std::string copy_result(std::string_view root, const put_outcome&);

} // namespace troupe::s3
