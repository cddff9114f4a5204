#include "core/metadata_machine.hpp"

#include "core/file_log.hpp"
#include "core/listing.hpp"
#include "core/tables.hpp"
#include "store/state.hpp"

#include <string>
#include <utility>

namespace troupe {
namespace {

bool usable(const std::string& key) {
  // The table byte is ASCII: a garbage_record names the table as text.
  return !key.empty() && key.size() <= metadata_machine::key_bytes_max &&
    static_cast<unsigned char>(key.front()) < 0x80;
}

// An object whose content lies in a row of its own leaves nothing behind: the same batch puts or erases that row.
bool names_no_content(const std::string& key, const std::string& row) {
  pb::object_record record;
  return key.front() == tables::objects && record.ParseFromString(row) && record.inlined();
}

error unusable(const char* where, int index, const std::string& key) {
  return fail(ec::bad_argument,
    std::string{where} + " " + std::to_string(index) + " of a batch has a key of " + std::to_string(key.size()) +
      " bytes, or one that names no table");
}

} // namespace

struct metadata_machine::entry_progress {
  std::uint64_t index = 0;
  std::uint32_t collected = 0; // over all batches of the entry: every garbage row gets a key of its own
};

result<> metadata_machine::check(const pb::batch& batch) {
  if (batch.operations_size() > operations_max || batch.preconditions_size() > operations_max)
    return fail(ec::too_large,
      "a batch of " + std::to_string(batch.operations_size()) + " operations and " +
        std::to_string(batch.preconditions_size()) + " preconditions; the limit of each is " +
        std::to_string(operations_max));
  if (auto bytes = batch.ByteSizeLong(); bytes > batch_bytes_max)
    return fail(
      ec::too_large, "a batch of " + std::to_string(bytes) + " bytes; the limit is " + std::to_string(batch_bytes_max));
  for (int i = 0; i < batch.preconditions_size(); ++i) {
    const auto& p = batch.preconditions(i);
    if (!usable(p.key())) return unusable("precondition", i, p.key());
    if (!pb::precondition::kinds_IsValid(p.kind()))
      return fail(ec::bad_argument, "a precondition of unknown kind " + std::to_string(p.kind()));
  }
  for (int i = 0; i < batch.operations_size(); ++i) {
    const auto& o = batch.operations(i);
    if (!usable(o.key())) return unusable("operation", i, o.key());
    if (!pb::operation::kinds_IsValid(o.kind()))
      return fail(ec::bad_argument, "an operation of unknown kind " + std::to_string(o.kind()));
    if (o.kind() == pb::operation::append) TROUPE_TRY(file_log::check_append(o.key(), o.value()));
  }
  return {};
}

result<> metadata_machine::apply(pb::log_entry entry, std::uint64_t index, const outcome_sink& tell) {
  entry_progress progress{.index = index};
  for (auto& batch : *entry.mutable_batches()) TROUPE_TRY(apply(batch, progress, tell));
  return {};
}

result<std::vector<metadata_machine::batch_outcome>> metadata_machine::apply(pb::log_entry entry, std::uint64_t index) {
  std::vector<batch_outcome> outcomes;
  outcomes.reserve(static_cast<std::size_t>(entry.batches_size()));
  TROUPE_TRY(apply(std::move(entry), index, [&](batch_outcome o) { outcomes.push_back(std::move(o)); }));
  return outcomes;
}

result<> metadata_machine::apply(pb::batch& batch, entry_progress& progress, const outcome_sink& tell) {
  if (auto fine = check(batch); !fine) {
    tell(std::move(fine).error());
    return {};
  }
  auto too_much = erases_too_much(batch);
  if (!too_much) return std::move(too_much).error();
  if (*too_much) {
    tell(fail(ec::too_large, "a batch that erases more than " + std::to_string(rows_erased_max) + " rows"));
    return {};
  }
  pb::batch_result outcome;
  outcome.set_index(progress.index);
  for (int i = 0; i < batch.preconditions_size(); ++i) {
    auto held = holds(batch.preconditions(i));
    if (!held) return std::move(held).error();
    if (*held) continue;
    outcome.set_failed_precondition(static_cast<std::uint32_t>(i));
    tell(std::move(outcome));
    return {};
  }
  for (auto& operation : *batch.mutable_operations()) TROUPE_TRY(carry_out(operation, batch.now_ms(), progress));
  outcome.set_applied(true);
  tell(std::move(outcome));
  return {};
}

result<bool> metadata_machine::holds(const pb::precondition& p) const {
  if (p.kind() == pb::precondition::prefix_empty) {
    auto used = prefix_in_use(p.key());
    if (!used) return std::move(used).error();
    return !*used;
  }
  auto row = rows_.get(p.key());
  if (!row) return std::move(row).error();
  switch (p.kind()) {
  case pb::precondition::exists: return row->has_value();
  case pb::precondition::not_exists: return !row->has_value();
  case pb::precondition::equals: return row->has_value() && tables::digest_of(**row) == p.digest();
  default: return fail(ec::internal, "a precondition that check() let through");
  }
}

result<bool> metadata_machine::prefix_in_use(const std::string& prefix) const {
  auto rows = rows_.scan();
  if (!rows) return std::move(rows).error();
  TROUPE_TRY((*rows)->seek(prefix));
  return (*rows)->valid() && (*rows)->key().starts_with(prefix);
}

result<std::vector<std::string>> metadata_machine::keys_below(const std::string& prefix, std::size_t keys_max) const {
  auto rows = rows_.scan();
  if (!rows) return std::move(rows).error();
  std::vector<std::string> keys;
  TROUPE_TRY((*rows)->seek(prefix));
  while (keys.size() < keys_max && (*rows)->valid() && (*rows)->key().starts_with(prefix)) {
    keys.emplace_back((*rows)->key());
    TROUPE_TRY((*rows)->next());
  }
  return keys;
}

// Decided before anything changes. Rows that the same batch puts are few (operations_max) and do not count.
result<bool> metadata_machine::erases_too_much(const pb::batch& batch) const {
  std::size_t rows = 0;
  for (const auto& operation : batch.operations()) {
    if (operation.kind() != pb::operation::erase_prefix) continue;
    auto keys = keys_below(operation.key(), rows_erased_max - rows + 1);
    if (!keys) return std::move(keys).error();
    rows += keys->size();
    if (rows > rows_erased_max) return true;
  }
  return false;
}

result<> metadata_machine::carry_out(pb::operation& operation, std::int64_t now_ms, entry_progress& progress) {
  if (operation.kind() == pb::operation::append) return file_log::append(rows_, operation.value());
  if (operation.kind() == pb::operation::erase_prefix) {
    auto keys = keys_below(operation.key(), rows_erased_max + operations_max + 1);
    if (!keys) return std::move(keys).error();
    for (auto& key : *keys) {
      if (operation.collect()) TROUPE_TRY(collect(key, now_ms, progress));
      rows_.erase(std::move(key));
    }
    return {};
  }
  if (operation.collect()) TROUPE_TRY(collect(operation.key(), now_ms, progress));
  if (operation.kind() == pb::operation::put)
    rows_.put(std::move(*operation.mutable_key()), std::move(*operation.mutable_value()));
  else
    rows_.erase(std::move(*operation.mutable_key()));
  return {};
}

result<> metadata_machine::collect(const std::string& key, std::int64_t now_ms, entry_progress& progress) {
  auto row = rows_.get(key);
  if (!row) return std::move(row).error();
  if (!row->has_value() || names_no_content(key, **row)) return {};
  pb::garbage_record garbage;
  garbage.set_table(key.substr(0, 1));
  garbage.set_key(key);
  garbage.set_value(std::move(**row));
  garbage.set_deleted_ms(now_ms);
  rows_.put(tables::garbage_row(progress.index, progress.collected++), garbage.SerializeAsString());
  return {};
}

result<pb::read_reply> metadata_machine::read(const pb::read_request& request) const {
  if (request.keys_size() > keys_read_max)
    return fail(ec::too_large,
      "a read of " + std::to_string(request.keys_size()) + " rows; the limit is " + std::to_string(keys_read_max));
  pb::read_reply reply;
  std::size_t bytes = 0;
  for (const auto& key : request.keys()) {
    auto value = rows_.get(key);
    if (!value) return std::move(value).error();
    if (!value->has_value()) continue;
    bytes += key.size() + (*value)->size();
    if (bytes > read_bytes_max && reply.rows_size() > 0)
      return fail(ec::too_large, "a read of more than " + std::to_string(read_bytes_max) + " bytes");
    auto& row = *reply.add_rows();
    row.set_key(key);
    row.set_value(std::move(**value));
  }
  return reply;
}

result<pb::list_reply> metadata_machine::list(const pb::list_request& request) const {
  auto rows = rows_.scan();
  if (!rows) return std::move(rows).error();
  return list_page(**rows, request);
}

} // namespace troupe
