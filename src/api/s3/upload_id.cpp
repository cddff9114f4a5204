#include "api/s3/upload_id.hpp"

#include "api/s3/call.hpp"
#include "codec/text.hpp"

namespace troupe::s3 {

std::string show_upload_id(const data_id& id) { return hex_encode(id.raw); }

std::optional<data_id> parse_upload_id(std::string_view text) {
  const auto raw = hex_decode(text);
  if (!raw || raw->size() != sizeof(data_id::raw)) return {};
  return data_id::from_bytes(*raw);
}

data_id upload_id_of(const call& c) {
  const auto id = parse_upload_id(c.query_or_empty("uploadId"));
  if (!id) throw s3_error{ec::no_such_upload};
  return *id;
}

} // namespace troupe::s3
