// content_class: how a bucket's content is kept where its owner says so, instead of leaving it to the size and the number of
// nodes (REQUIREMENTS X3, X4). Holds for content that is stored in pieces, from then on: what is there stays as it is.
#pragma once

#include "base/error.hpp"
#include "core/quorum.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

// k data and m parity pieces a stripe; n copies are k = 1, m = n - 1.
struct content_class {
  std::uint32_t k = 0, m = 0;
  bool by_size() const { return k == 0; } // core/placement.hpp, default_geometry()
  std::size_t nodes() const { return std::size_t{k} + m; }
  friend bool operator==(const content_class&, const content_class&) = default;
};

struct bucket_keeping {
  content_class shape;
  troupe::durability durability = durability::quorum; // what a request waits for that names none
  friend bool operator==(const bucket_keeping&, const bucket_keeping&) = default;
};

// "default", "replica(2..9)", "erasure(k,m)" with k in 2..16, m in 1..8 and k + m <= 20. ec::bad_argument tells these.
result<content_class> content_class_named(std::string_view);
std::string name_of(const content_class&);
// "async", "quorum", "all". ec::bad_argument tells these.
result<durability> durability_named(std::string_view);
std::string_view name_of(durability);

// Whether a cluster of so many storage nodes can keep content so. ec::bad_argument says what is missing.
result<> check(const bucket_keeping&, std::size_t nodes);

} // namespace troupe
