#include "core/garbage.hpp"

#include "core/tables.hpp"

namespace troupe {
namespace {

error unreadable(const pb::garbage_record& row) {
  return fail(ec::corrupt, "a garbage row from table '" + row.table() + "' does not parse");
}

} // namespace

result<reclaimable> reclaimable_of(const pb::garbage_record& row) {
  reclaimable found;
  if (row.table().size() != 1) return unreadable(row);
  switch (row.table().front()) {
  case tables::objects: {
    pb::object_record record;
    if (!record.ParseFromString(row.value())) return unreadable(row);
    if (!record.manifest_id().empty()) found.manifest_id = data_id::from_bytes(record.manifest_id());
    if (record.has_extent()) found.extents.push_back(record.extent());
    return found;
  }
  case tables::parts: {
    pb::part_record record;
    if (!record.ParseFromString(row.value())) return unreadable(row);
    if (record.has_extent()) found.extents.push_back(record.extent());
    return found;
  }
  default: return found; // rows of other tables name no content
  }
}

void add_extents(const pb::manifest& manifest, reclaimable& found) {
  for (const auto& part : manifest.parts())
    if (part.has_extent()) found.extents.push_back(part.extent());
}

} // namespace troupe
