// server_copy: operations on many or large objects that no byte of passes through the client: copying, removing.
#pragma once

#include "cli/s3_calls.hpp"

#include <stop_token>

namespace troupe::cli {

struct copy_report {
  std::uint64_t bytes = 0;
  std::string etag;
};
// One CopyObject up to 5 GiB, else parts; always of the version that was there when it began.
result<copy_report> server_copy(
  const connection&, const std::stop_token&, const object_name& from, const object_name& to);

// Removes all objects whose key begins with prefix.key, a page at a time. Returns how many; an error says how many were.
result<std::uint64_t> remove_prefix(s3_client&, const object_name& prefix);

} // namespace troupe::cli
