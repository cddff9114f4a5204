// upload_id: S3's UploadId: 32 hex digits of the upload's data_id.
#pragma once

#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::s3 {

struct call;

std::string show_upload_id(const data_id&);
std::optional<data_id> parse_upload_id(std::string_view);
// The uploadId parameter; what is no id names no upload: ec::no_such_upload.
data_id upload_id_of(const call&);

} // namespace troupe::s3
