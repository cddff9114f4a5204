#include "api/s3/shapes.hpp"

#include "api/s3/call.hpp"
#include "api/s3/surface.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

namespace troupe::s3 {

void write_owner(xml_writer& x, std::string_view name, const surface_config& config) {
  x.open(name).element("ID", config.owner_id).element("DisplayName", config.owner_name).close();
}

std::string_view checksum_type(const pb::checksum& c) { return c.composite() ? "COMPOSITE" : "FULL_OBJECT"; }

std::string_view shown_storage_class(std::string_view stored) { return stored.empty() ? "STANDARD" : stored; }

std::string shown_time(unix_ms t) { return format_iso8601(t / 1000 * 1000); }

key_display::key_display(const call& c) {
  const auto* type = c.query("encoding-type");
  if (type == nullptr) return;
  if (*type != "url") throw s3_error{ec::invalid_argument, "Invalid Encoding Method specified in Request"};
  encoded = true;
}

std::string key_display::operator()(std::string_view key) const {
  return encoded ? percent_encode(key, true) : std::string{key};
}

} // namespace troupe::s3
