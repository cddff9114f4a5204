#include "core/directory_drain.hpp"

#include "core/tables.hpp"

namespace troupe {
namespace {

void require(pb::batch& batch, pb::precondition_kinds kind, std::string key, std::uint64_t digest = 0) {
  auto& p = *batch.add_preconditions();
  p.set_kind(kind);
  p.set_key(std::move(key));
  p.set_digest(digest);
}

void put(pb::batch& batch, std::string key, std::string value) {
  auto& o = *batch.add_operations();
  o.set_kind(pb::operation::put);
  o.set_key(std::move(key));
  o.set_value(std::move(value));
}

// Not to garbage: what the row names lives on under its new key.
void erase(pb::batch& batch, std::string key) {
  auto& o = *batch.add_operations();
  o.set_kind(pb::operation::erase);
  o.set_key(std::move(key));
}

} // namespace

void require_layout(pb::batch& batch, const directory_layout& layout) {
  require(batch, pb::precondition::equals, directory_layout::row_key(), tables::digest_of(layout.row()));
}

std::string drain_prefix(const directory_layout& layout) {
  return tables::object(directory_bucket, epoch_prefix(layout.previous_epoch()));
}

result<draining_row> read_draining_row(std::string row_key, std::string value) {
  const auto name = tables::key_of_object(row_key, directory_bucket.size());
  pb::object_record record;
  if (!parse_object_key(name) || !record.ParseFromString(value))
    return fail(ec::corrupt, "a record of the directory does not parse");
  draining_row row;
  row.inlined = record.inlined();
  if (row.inlined) row.inline_row_key = tables::inline_content(directory_bucket, name);
  row.row_key = std::move(row_key);
  row.value = std::move(value);
  return row;
}

result<pb::batch> drain_batch(const directory_layout& layout, std::span<const draining_row> rows) {
  pb::batch batch;
  require_layout(batch, layout);
  for (const auto& row : rows) {
    const auto old = parse_object_key(tables::key_of_object(row.row_key, directory_bucket.size()));
    if (!old) return fail(ec::internal, "a row that read_draining_row() let through");
    const auto home = object_key(layout.home_of(old->key), old->key);
    require(batch, pb::precondition::equals, row.row_key, tables::digest_of(row.value));
    require(batch, pb::precondition::not_exists, tables::object(directory_bucket, home));
    put(batch, tables::object(directory_bucket, home), row.value);
    erase(batch, row.row_key);
    if (!row.inlined) continue;
    if (!row.content) return fail(ec::corrupt, "the content of a key of the directory is not with its record");
    put(batch, tables::inline_content(directory_bucket, home), *row.content);
    erase(batch, row.inline_row_key);
  }
  return batch;
}

pb::batch settle_batch(const directory_layout& layout) {
  pb::batch batch;
  require_layout(batch, layout);
  require(batch, pb::precondition::prefix_empty, drain_prefix(layout));
  put(batch, directory_layout::row_key(), layout.settled().row());
  return batch;
}

} // namespace troupe
