// ranges: what a Range header asks of content of a known size (RFC 9110 section 14), and x-amz-copy-source-range.
// Pure. What S3 does not understand it ignores: several ranges, other units and nonsense all mean the whole object.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::s3 {

struct byte_range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

struct range_choice {
  enum class kind : std::uint8_t { whole, part, unsatisfiable };
  kind what = kind::whole;
  byte_range range; // of the whole object for kind::whole
  friend bool operator==(const range_choice&, const range_choice&) = default;
};

range_choice choose_range(std::string_view header, std::uint64_t size);

// "bytes=first-last", both needed: ec::invalid_argument when it is not that, ec::invalid_range beyond the size.
result<byte_range> copy_range(std::string_view header, std::uint64_t size);

std::string content_range(const byte_range&, std::uint64_t size); // "bytes 0-4/10"; the range is not empty
std::string unsatisfied_range(std::uint64_t size);                // "bytes */10"

} // namespace troupe::s3
