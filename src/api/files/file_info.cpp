#include "api/files/file_info.hpp"

#include "codec/text.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::files {

bool is_file_id(std::string_view id) {
  return id.size() == 32 &&
    std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

file_info info_of(const std::string& id, const pb::object_record& record) {
  file_info f;
  f.id = id;
  f.size = f.stored_size = record.size();
  f.md5 = record.etag();
  f.modified_ms = record.modified_ms();
  for (const auto& h : record.headers())
    if (h.name() == "Content-Type") f.content_type = h.value();
  for (const auto& c : record.checksums())
    if (c.algorithm() == "SHA256")
      if (auto raw = base64_decode(c.value())) f.sha256 = hex_encode(*raw);
  for (const auto& m : record.metadata()) {
    if (m.name() == name_key) f.name = m.value();
    if (m.name() == md5_key) f.md5 = m.value();
    if (m.name() == sha256_key) f.sha256 = m.value();
    if (m.name() == replication_key) f.replication = m.value();
    if (m.name() == compression_key) f.compressed = true;
    if (m.name() == size_key) std::from_chars(m.value().data(), m.value().data() + m.value().size(), f.size);
  }
  return f;
}

boost::json::object to_json(const file_info& f) {
  boost::json::object out{{"id", f.id}, {"name", f.name}, {"size", f.size}, {"content_type", f.content_type},
    {"etag", f.md5}, {"sha256", f.sha256}, {"modified", format_iso8601(f.modified_ms)}, {"replication", f.replication},
    {"compression", f.compressed ? "zstd" : "none"}, {"stored_size", f.stored_size}};
  return out;
}

std::string version_of(const pb::object_record& r) {
  return r.extent().data_id() + "/" + r.etag() + "/" + std::to_string(r.modified_ms());
}

bool same_version(const pb::object_record& a, const pb::object_record& b) {
  return version_of(a) == version_of(b) && a.size() == b.size() && a.inlined() == b.inlined();
}

} // namespace troupe::files
