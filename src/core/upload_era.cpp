#include "core/upload_era.hpp"

#include "core/tables.hpp"

namespace troupe::upload_era {
namespace {

pb::precondition& expect(pb::batch& batch, pb::precondition::kinds kind, std::string key) {
  auto& p = *batch.add_preconditions();
  p.set_kind(kind);
  p.set_key(std::move(key));
  return p;
}

void put(pb::batch& batch, std::string key, std::string value) {
  auto& op = *batch.add_operations();
  op.set_kind(pb::operation::put);
  op.set_key(std::move(key));
  op.set_value(std::move(value));
}

} // namespace

std::string row_key() { return tables::system_row("upload_era"); }

result<pb::upload_era_record> parse(const std::optional<std::string>& row) {
  pb::upload_era_record record;
  if (row && !record.ParseFromString(*row)) return fail(ec::corrupt, "the row of the era of uploads does not parse");
  return record;
}

void add_claim(pb::batch& batch, const pb::extent& content) {
  expect(batch, pb::precondition::not_exists, tables::condemned_row(data_id::from_bytes(content.data_id())));
  expect(batch, pb::precondition::not_exists, tables::condemned_era(content.era()));
}

bool is_claim(const pb::precondition& p) { return p.key().starts_with(tables::condemned); }

std::optional<pb::batch> turn(const std::optional<std::string>& row, const pb::upload_era_record& current,
  std::chrono::milliseconds length, unix_ms now_ms) {
  if (row && now_ms - current.since_ms() < length.count()) return {};
  pb::batch batch;
  batch.set_now_ms(now_ms);
  pb::upload_era_record next;
  next.set_since_ms(now_ms);
  if (row) {
    expect(batch, pb::precondition::equals, row_key()).set_digest(tables::digest_of(*row));
    next.set_number(current.number() + 1);
    if (current.number() >= 1) {
      pb::condemned_record over;
      over.set_since_ms(now_ms);
      over.set_era(current.number() - 1);
      put(batch, tables::condemned_era(current.number() - 1), over.SerializeAsString());
    }
  } else {
    expect(batch, pb::precondition::not_exists, row_key());
  }
  put(batch, row_key(), next.SerializeAsString());
  return batch;
}

} // namespace troupe::upload_era
