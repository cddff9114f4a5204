// content_check: whether downloaded bytes are the object's, by what the server said of them: the size always, and the
// strongest of a full-object checksum or an ETag that is a plain MD5. A multipart ETag ("...-3") and a composite
// checksum describe parts, not the content, and cannot be checked.
#pragma once

#include "cli/s3_calls.hpp"
#include "codec/checksum.hpp"
#include "codec/digest.hpp"

#include <optional>
#include <string>

namespace troupe::cli {

class content_check {
public:
  explicit content_check(const object_facts&);

  void add(bytes_view);
  // ec::corrupt when size or checksum differ.
  result<> finish();
  // "CRC64NVME", "MD5", or "size" when nothing better was known.
  std::string_view by() const;

private:
  std::uint64_t size_;
  std::uint64_t seen_ = 0;
  std::optional<checksum_kind> kind_;
  std::string wanted_; // raw
  std::optional<checksum_state> state_;
  std::optional<digest> md5_;
};

} // namespace troupe::cli
