// headers: what a write's headers say about the object (kept, understood, or refused), and how they come back.
// Every header that would change what the client gets, and that Troupe can not honour, is answered 501 rather than ignored.
#pragma once

#include "api/http/head.hpp"
#include "base/error.hpp"
#include "core/content_class.hpp"
#include "troupe.pb.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {
class response;
}

namespace troupe::s3 {

using name_values = std::vector<std::pair<std::string, std::string>>;

// S3's limit on the names and values of user metadata together.
inline constexpr std::size_t metadata_bytes_max = 2048;

struct object_headers {
  name_values headers;  // Content-Type (always), Cache-Control, Content-Disposition, -Encoding, -Language, Expires
  name_values metadata; // x-amz-meta-*: names in lower case without the prefix; values as UTF-8, RFC 2047 undone
};
// Throws s3_error: MetadataTooLarge.
object_headers read_object_headers(std::span<const http::header>);

// "" for STANDARD. Throws InvalidStorageClass.
std::string read_storage_class(std::string_view header);
// x-troupe-durability: what this write waits for instead of what its bucket says. Throws InvalidArgument.
std::optional<durability> read_durability(std::string_view header);
// x-amz-server-side-encryption, of a request that refuse_unsupported() let pass; and of an answer.
bool wants_encryption(std::string_view header);
void set_encryption_header(http::response&, bool encrypted);
// x-amz-tagging, an URL query. Throws InvalidTag, BadRequest (more than ten).
name_values read_tags(std::string_view header);

// Throws ec::not_implemented when a header asks for encryption, object lock, grants or the like (docs/S3.md).
void refuse_unsupported(std::span<const http::header>);

// Last-Modified, ETag, Accept-Ranges, content headers, metadata, storage class, tag count.
void set_object_headers(http::response&, const pb::object_record&);
// x-amz-checksum-<kind>, x-amz-checksum-type.
void set_checksum_header(http::response&, const pb::checksum&, bool with_type);
template <class Checksums> // of pb::checksum
void set_checksum_headers(http::response& res, const Checksums& all) {
  bool first = true;
  for (const auto& one : all) {
    set_checksum_header(res, one, first);
    first = false;
  }
}

std::string quoted(std::string_view etag);

// RFC 2047: "=?UTF-8?B?...?=" and "=?UTF-8?Q?...?=" (also ISO-8859-1 and US-ASCII) become UTF-8; anything else, and what
// would decode to control characters, stays as it is. Bytes that are not UTF-8 are read as ISO-8859-1. Always UTF-8.
std::string decode_words(std::string_view);
// Values that are not plain ASCII become one "=?UTF-8?B?...?=" word.
std::string encode_word(std::string_view);

} // namespace troupe::s3
