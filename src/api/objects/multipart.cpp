// Multipart uploads: an upload row, a row per part, and completion as one batch that turns them into an object with a
// manifest. Every part the completion names must still be the row that was looked at, or the batch does not apply.
#include "api/objects/clustered_store.hpp"
#include "codec/checksum.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/tables.hpp"

#include <algorithm>

namespace troupe {

std::vector<pb::checksum> stored_checksums(const checksum_set& kinds, const checksum_values& values); // put.cpp

namespace {

constexpr std::uint64_t part_bytes_min = std::uint64_t{5} << 20; // all but the last; S3's limit
const object_conditions unconditional;
constexpr std::uint64_t object_bytes_max = std::uint64_t{5} << 40;

error no_upload(const std::string& bucket, const std::string& key) {
  return fail(ec::no_such_upload,
    "there is no such upload of " + bucket + "/" + key + "; it was completed or aborted, or never was");
}

pb::operation* add(pb::batch& b, pb::operation_kinds kind, std::string key) {
  auto* op = b.add_operations();
  op->set_kind(kind);
  op->set_key(std::move(key));
  return op;
}

void require_row(pb::batch& b, std::string key, std::string_view value) {
  auto* p = b.add_preconditions();
  p->set_kind(pb::precondition::equals);
  p->set_key(std::move(key));
  p->set_digest(tables::digest_of(value));
}

const pb::checksum* find(const google::protobuf::RepeatedPtrField<pb::checksum>& all, const std::string& algorithm) {
  for (const auto& c : all)
    if (c.algorithm() == algorithm) return &c;
  return nullptr;
}

struct stored_part {
  pb::part_record record;
  std::string row; // as read: what the precondition compares
};

// The checksum of the whole object, of checksums (composite, "-N") or of the content (full object, CRCs only).
result<pb::checksum> object_checksum(const pb::upload_record& upload, const std::vector<const stored_part*>& parts) {
  pb::checksum whole;
  whole.set_algorithm(upload.checksum_algorithm());
  auto kind = checksum_kind_named(upload.checksum_algorithm());
  if (!kind) return fail(ec::internal, "an upload with the unknown checksum " + upload.checksum_algorithm());
  std::vector<part_checksum> raw;
  for (const auto* p : parts) {
    const auto* c = find(p->record.checksums(), upload.checksum_algorithm());
    if (c == nullptr)
      return fail(ec::invalid_request,
        "part " + std::to_string(p->record.number()) + " was uploaded without a " + upload.checksum_algorithm() +
          " checksum");
    auto bytes = base64_decode(c->value());
    if (!bytes)
      return fail(ec::corrupt, "the checksum of part " + std::to_string(p->record.number()) + " does not parse");
    raw.push_back({std::move(*bytes), p->record.size()});
  }
  whole.set_composite(!upload.full_object_checksum());
  if (whole.composite()) {
    std::vector<std::string> values;
    for (auto& r : raw) values.push_back(std::move(r.raw));
    whole.set_value(base64_encode(composite_checksum(*kind, values)) + "-" + std::to_string(parts.size()));
  } else {
    auto value = full_object_checksum(*kind, raw);
    if (!value) return value.error();
    whole.set_value(base64_encode(*value));
  }
  return whole;
}

// The chosen parts, in order, checked against what was uploaded.
result<std::vector<const stored_part*>> choose(
  const std::vector<stored_part>& uploaded, const std::vector<part_choice>& choices) {
  std::vector<const stored_part*> chosen;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto& want = choices[i];
    if (i > 0 && want.number <= choices[i - 1].number)
      return fail(ec::invalid_part_order, "parts must be listed in ascending order");
    auto part = std::lower_bound(uploaded.begin(), uploaded.end(), want.number,
      [](const stored_part& p, std::uint32_t n) { return p.record.number() < n; });
    if (part == uploaded.end() || part->record.number() != want.number || part->record.etag() != want.etag)
      return fail(
        ec::invalid_part, "part " + std::to_string(want.number) + " was not uploaded, or its ETag is another");
    for (const auto& c : want.checksums) {
      const auto* have = find(part->record.checksums(), c.algorithm());
      if (have == nullptr || have->value() != c.value())
        return fail(
          ec::invalid_part, "part " + std::to_string(want.number) + " has another " + c.algorithm() + " checksum");
    }
    total += part->record.size();
    chosen.push_back(&*part);
  }
  for (std::size_t i = 0; i + 1 < chosen.size(); ++i) // after all were found: AWS complains in this order
    if (auto bytes = chosen[i]->record.size(); bytes < part_bytes_min)
      return fail(ec::entity_too_small,
        "part " + std::to_string(chosen[i]->record.number()) + " has " + std::to_string(bytes) +
          " bytes; all parts but the last need at least 5 MiB");
  if (total > object_bytes_max) return fail(ec::entity_too_large, "an object may have 5 TiB at most");
  return chosen;
}

} // namespace

http::task<result<data_id>> clustered_store::create_upload(
  std::string bucket_name, std::string key, pb::upload_record what) {
  auto id = options_.random->new_data_id();
  what.set_upload_id(id.to_bytes());
  what.set_started_ms(options_.clock->now());
  pb::batch batch;
  add(batch, pb::operation::put, tables::upload(bucket_name, key, id))->set_value(what.SerializeAsString());
  if (auto done = co_await publish(bucket_name, key, unconditional, std::move(batch)); !done) co_return done.error();
  co_return id;
}

http::task<result<pb::upload_record>> clustered_store::upload(
  std::string bucket_name, std::string key, data_id upload_id) {
  auto row = co_await read_row(tables::upload(bucket_name, key, upload_id));
  if (!row) co_return row.error();
  if (!*row) {
    if (auto there = co_await bucket(bucket_name); !there) co_return there.error();
    co_return no_upload(bucket_name, key);
  }
  pb::upload_record record;
  if (!record.ParseFromString(**row))
    co_return fail(ec::corrupt, "the record of an upload of " + bucket_name + "/" + key + " does not parse");
  co_return record;
}

http::task<result<put_outcome>> clustered_store::put_part(
  put_object what, data_id upload_id, std::uint32_t number, http::body_source& source) {
  auto open = co_await upload(what.bucket, what.key, upload_id);
  if (!open) co_return open.error();
  if (auto kind = checksum_kind_named(open->checksum_algorithm())) what.checksums.add(*kind);
  auto how = co_await keeping_for(what, open->encrypt());
  if (!how) co_return how.error();
  auto stored = co_await store_content(what, *how, source);
  if (!stored) co_return stored.error();

  put_outcome outcome;
  outcome.etag = hex_encode(as_bytes(stored->md5));
  outcome.modified_ms = options_.clock->now();
  outcome.checksums = stored_checksums(what.checksums, stored->checksums);
  outcome.size = what.size;
  outcome.encrypted = stored->sealing.has_value();
  pb::part_record record;
  record.set_number(number);
  record.set_size(what.size);
  record.set_etag(outcome.etag);
  record.set_modified_ms(outcome.modified_ms);
  for (const auto& c : outcome.checksums) *record.add_checksums() = c;
  if (stored->inlined)
    record.set_inline_data(std::move(stored->bytes));
  else
    *record.mutable_extent() = stored->extent;
  if (stored->sealing) *record.mutable_sealing() = *stored->sealing;

  pb::batch batch;
  auto* exists = batch.add_preconditions();
  exists->set_kind(pb::precondition::exists);
  exists->set_key(tables::upload(what.bucket, what.key, upload_id));
  auto* put = add(batch, pb::operation::put, tables::part(upload_id, number));
  put->set_value(record.SerializeAsString());
  put->set_collect(true);
  add_repair(batch, *stored);
  add_claim(batch, *stored);
  if (auto done = co_await publish(what.bucket, what.key, unconditional, std::move(batch), stored->row_digest); !done) {
    discard_unless_committed(*stored, done.error());
    co_return done.error().code == ec::conflict ? no_upload(what.bucket, what.key) : done.error();
  }
  co_return outcome;
}

http::task<result<std::vector<pb::part_record>>> clustered_store::list_parts(
  std::string bucket_name, std::string key, data_id upload_id, std::uint32_t number_marker, std::uint32_t limit) {
  if (auto open = co_await upload(bucket_name, key, upload_id); !open) co_return open.error();
  std::vector<pb::part_record> parts;
  auto after = tables::part(upload_id, number_marker);
  while (parts.size() <= limit) {
    auto page = co_await list_rows(tables::parts_of(upload_id), after, {}, 1000);
    if (!page) co_return page.error();
    for (const auto& e : page->entries()) {
      if (parts.size() > limit) break;
      if (!parts.emplace_back().ParseFromString(e.value()))
        co_return fail(ec::corrupt, "a part record of " + bucket_name + "/" + key + " does not parse");
    }
    if (!page->truncated()) break;
    after = page->last();
  }
  co_return parts;
}

http::task<result<put_outcome>> clustered_store::complete_upload(std::string bucket_name, std::string key,
  data_id upload_id, std::vector<part_choice> choices, object_conditions conditions,
  std::vector<pb::checksum> object_checksums) {
  auto upload_row = tables::upload(bucket_name, key, upload_id);
  auto open = co_await upload(bucket_name, key, upload_id);
  if (!open) co_return open.error();
  std::vector<stored_part> uploaded;
  for (std::string after;;) {
    auto page = co_await list_rows(tables::parts_of(upload_id), after, {}, 1000);
    if (!page) co_return page.error();
    for (auto& e : *page->mutable_entries()) {
      auto& part = uploaded.emplace_back();
      if (!part.record.ParseFromString(e.value()))
        co_return fail(ec::corrupt, "a part record of " + bucket_name + "/" + key + " does not parse");
      part.row = std::move(*e.mutable_value());
    }
    if (!page->truncated()) break;
    after = page->last();
  }
  auto chosen = choose(uploaded, choices);
  if (!chosen) co_return chosen.error();

  put_outcome outcome;
  outcome.modified_ms = options_.clock->now();
  auto manifest_id = options_.random->new_data_id();
  pb::object_record record;
  pb::manifest manifest;
  pb::batch batch;
  digest md5s{digest_kind::md5};
  auto* exists = batch.add_preconditions();
  exists->set_kind(pb::precondition::exists);
  exists->set_key(upload_row);
  for (const auto* p : *chosen) {
    auto row_key = tables::part(upload_id, p->record.number());
    require_row(batch, row_key, p->row);
    add(batch, pb::operation::erase, std::move(row_key)); // its content lives on in the manifest
    auto* part = manifest.add_parts();
    part->set_number(p->record.number());
    part->set_size(p->record.size());
    part->set_etag(p->record.etag());
    *part->mutable_checksums() = p->record.checksums();
    if (p->record.has_extent())
      *part->mutable_extent() = p->record.extent();
    else
      part->set_inline_data(p->record.inline_data());
    if (p->record.has_sealing()) {
      *part->mutable_sealing() = p->record.sealing();
      record.mutable_sealing()->set_key_id(p->record.sealing().key_id()); // its parts say the rest
    }
    auto raw = hex_decode(p->record.etag());
    if (!raw) co_return fail(ec::corrupt, "the ETag of part " + std::to_string(p->record.number()) + " does not parse");
    md5s.add(as_bytes(*raw));
    outcome.size += p->record.size();
  }
  outcome.etag = hex_encode(as_bytes(md5s.finish())) + "-" + std::to_string(chosen->size());
  if (!open->checksum_algorithm().empty()) {
    auto whole = object_checksum(*open, *chosen);
    if (!whole) co_return whole.error();
    for (const auto& claimed : object_checksums)
      if (claimed.algorithm() == whole->algorithm() && claimed.value() != whole->value())
        co_return fail(
          ec::bad_digest, "the " + claimed.algorithm() + " checksum of the whole object does not match its parts");
    *record.add_checksums() = *whole;
    outcome.checksums.push_back(std::move(*whole));
  }
  outcome.encrypted = record.has_sealing();
  record.set_size(outcome.size);
  record.set_etag(outcome.etag);
  record.set_modified_ms(outcome.modified_ms);
  *record.mutable_headers() = open->headers();
  *record.mutable_metadata() = open->metadata();
  *record.mutable_tags() = open->tags();
  record.set_manifest_id(manifest_id.to_bytes());
  record.set_upload_id(upload_id.to_bytes());
  record.set_storage_class(open->storage_class());
  record.set_parts(static_cast<std::uint32_t>(chosen->size()));

  add(batch, pb::operation::put, tables::manifest(manifest_id))->set_value(manifest.SerializeAsString());
  auto* object = add(batch, pb::operation::put, tables::object(bucket_name, key));
  object->set_value(record.SerializeAsString());
  object->set_collect(true);
  add(batch, pb::operation::erase, tables::inline_content(bucket_name, key));
  add(batch, pb::operation::erase, std::move(upload_row));
  add(batch, pb::operation::erase_prefix, tables::parts_of(upload_id))->set_collect(true); // parts that were not chosen
  if (auto done = co_await publish(bucket_name, key, conditions, std::move(batch)); !done)
    co_return done.error().code == ec::conflict ? no_upload(bucket_name, key) : done.error();
  co_return outcome;
}

http::task<result<>> clustered_store::abort_upload(std::string bucket_name, std::string key, data_id upload_id) {
  auto upload_row = tables::upload(bucket_name, key, upload_id);
  pb::batch batch;
  auto* exists = batch.add_preconditions();
  exists->set_kind(pb::precondition::exists);
  exists->set_key(upload_row);
  add(batch, pb::operation::erase, std::move(upload_row));
  add(batch, pb::operation::erase_prefix, tables::parts_of(upload_id))->set_collect(true);
  auto done = co_await publish(bucket_name, key, unconditional, std::move(batch));
  if (!done && done.error().code == ec::conflict) co_return no_upload(bucket_name, key);
  co_return done;
}

} // namespace troupe
