// directory_drain: the batches that move the keys of the directory from the buckets of the epoch before to their new homes.
// A key is moved by one batch: its record (and small content) appears in the new home and is gone from the old one. Content
// on storage nodes stays where it is: the record that names it moves. Pure.
#pragma once

#include "core/directory_layout.hpp"
#include "troupe.pb.h"

#include <optional>
#include <span>
#include <string>

namespace troupe {

// Row prefix of all keys that are still in the epoch before. Precondition: layout.moving().
std::string drain_prefix(const directory_layout&);

// A row of table objects below drain_prefix(), and its content when that is a row of its own.
struct draining_row {
  std::string row_key, value;
  bool inlined = false; // has content of its own
  std::string inline_row_key;
  std::optional<std::string> content;
};
// ec::corrupt: no row of the directory, or its record does not parse.
result<draining_row> read_draining_row(std::string row_key, std::string value);

// Moves the rows, if each is still what it was and the layout is `layout`. `ec::corrupt`: inlined content is missing.
result<pb::batch> drain_batch(const directory_layout& layout, std::span<const draining_row>);

// Ends the epoch before, if nothing is left in it.
pb::batch settle_batch(const directory_layout& layout);

// What every batch of the directory requires: the layout is this one.
void require_layout(pb::batch&, const directory_layout&);

} // namespace troupe
