// file_info: what an object's record says of the file in it, and how that is shown. A compressed file's record describes the
// stored bytes; the file's own size and digests are in its metadata.
#pragma once

#include "base/environment.hpp"
#include "troupe.pb.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::files {

struct file_info {
  std::string id, name, content_type;
  std::uint64_t size = 0, stored_size = 0;
  std::string md5, sha256; // hex; of the file
  unix_ms modified_ms = 0;
  std::string replication;
  bool compressed = false;
};

file_info info_of(const std::string& id, const pb::object_record&);
boost::json::object to_json(const file_info&);

// Changes with every version of a file: two records with the same one have the same content.
std::string version_of(const pb::object_record&);
// Whether two records are of one version. Where the pieces are may differ: they are moved without the log's knowledge.
bool same_version(const pb::object_record&, const pb::object_record&);

// The metadata that info_of() reads.
inline constexpr const char* name_key = "file-name";
inline constexpr const char* size_key = "file-size";
inline constexpr const char* md5_key = "file-md5";
inline constexpr const char* sha256_key = "file-sha256";
inline constexpr const char* compression_key = "file-compression"; // zstd
inline constexpr const char* replication_key = "file-replication";

// 32 hexadecimal digits in lower case, as this surface makes them.
bool is_file_id(std::string_view);

} // namespace troupe::files
