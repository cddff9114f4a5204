#include "api/s3/put_answer.hpp"

#include "api/http/response.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/shapes.hpp"

namespace troupe::s3 {

void set_put_headers(http::response& res, const put_outcome& outcome) {
  res.set("ETag", quoted(outcome.etag));
  set_encryption_header(res, outcome.encrypted);
  set_checksum_headers(res, outcome.checksums);
}

std::string copy_result(std::string_view root, const put_outcome& outcome) {
  std::string xml;
  xml_writer x{xml};
  x.open(root, xml_namespace);
  x.element("LastModified", shown_time(outcome.modified_ms)).element("ETag", quoted(outcome.etag));
  write_checksums(x, outcome.checksums);
  write_checksum_type(x, outcome.checksums);
  x.close();
  return xml;
}

} // namespace troupe::s3
