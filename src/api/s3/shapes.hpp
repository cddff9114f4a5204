// shapes: pieces of XML that several answers have in common.
#pragma once

#include "base/environment.hpp"
#include "codec/xml.hpp"
#include "troupe.pb.h"

#include <string>
#include <string_view>

namespace troupe::s3 {

struct call;
struct surface_config;

inline constexpr std::string_view xml_namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// <name><ID/><DisplayName/></name>
void write_owner(xml_writer&, std::string_view name, const surface_config&);
std::string_view checksum_type(const pb::checksum&);
// <ChecksumCRC32/> and so on, one for each; and <ChecksumType/> of the first.
template <class Checksums> // of pb::checksum
void write_checksums(xml_writer& x, const Checksums& all) {
  for (const auto& one : all) x.element("Checksum" + one.algorithm(), one.value());
}
template <class Checksums>
void write_checksum_type(xml_writer& x, const Checksums& all) {
  if (!all.empty()) x.element("ChecksumType", checksum_type(*all.begin()));
}
std::string_view shown_storage_class(std::string_view stored);
// S3 shows whole seconds, so that listings and Last-Modified agree.
std::string shown_time(unix_ms);

// Keys and prefixes in a listing: as they are, or percent-encoded with encoding-type=url.
struct key_display {
  explicit key_display(const call&); // throws ec::invalid_argument for another encoding type
  std::string operator()(std::string_view key) const;
  bool encoded = false;
};

} // namespace troupe::s3
