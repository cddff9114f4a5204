// Buckets: rows of table buckets.
#include "api/objects/clustered_store.hpp"
#include "core/tables.hpp"

#include <cstring>

namespace troupe {

namespace {

// Nothing that is kept there can be kept otherwise than was wanted because of a word that this version does not know.
result<bucket_keeping> keeping_in(const pb::bucket_record& record) {
  bucket_keeping how;
  if (!record.content_class().empty()) {
    auto shape = content_class_named(record.content_class());
    if (!shape) return fail(ec::incompatible, shape.error().message);
    how.shape = *shape;
  }
  if (!record.durability().empty()) {
    auto wanted = durability_named(record.durability());
    if (!wanted) return fail(ec::incompatible, wanted.error().message);
    how.durability = *wanted;
  }
  if (!record.encryption().empty() && record.encryption() != "on" && record.encryption() != "off")
    return fail(ec::incompatible, "'" + record.encryption() + "' is no word for encryption that this version knows");
  return how;
}

// What a bucket's key is sealed for: it does not open as another's.
std::string key_context(const std::string& bucket) { return "key of bucket " + bucket; }

} // namespace

std::optional<seen_bucket> seen_buckets::find(const std::string& bucket, time_point now) const {
  const auto there = buckets_.find(bucket);
  if (there == buckets_.end() || now - there->second.at > age_max) return std::nullopt;
  return there->second.what;
}

void seen_buckets::note(const std::string& bucket, const seen_bucket& what, time_point now) {
  if (buckets_.size() >= buckets_max) buckets_.clear();
  buckets_.insert_or_assign(bucket, seen{what, now});
}

result<seen_bucket> clustered_store::seen_in(
  const std::string& name, const std::string& row, const pb::bucket_record& record) const {
  auto how = keeping_in(record);
  if (!how) return std::move(how).error();
  seen_bucket seen{.how = *how,
    .encrypts = encrypts(record),
    .has_key = !record.sealed_key().empty(),
    .key = {},
    .row_digest = tables::digest_of(row)};
  if (!seen.has_key || !options_.master) return seen;
  auto opened = unseal(*options_.master, record.sealed_key(), key_context(name));
  data_key key;
  if (!opened || opened->size() != key.raw.size()) return seen; // who needs it is told
  std::memcpy(key.raw.data(), opened->data(), opened->size());
  seen.key = std::make_shared<const data_key>(key);
  return seen;
}

http::task<result<bool>> clustered_store::add_key(
  const std::string& name, const std::string& row, pb::bucket_record record) {
  data_key key;
  options_.random->fill(key.raw);
  auto sealed = seal(*options_.master, as_text(key.raw), key_context(name), *options_.random);
  if (!sealed) co_return sealed.error();
  record.set_sealed_key(std::move(*sealed));
  co_return co_await replace_bucket(name, row, std::move(record));
}

http::task<result<bool>> clustered_store::replace_bucket(
  const std::string& name, const std::string& row, pb::bucket_record record) {
  pb::batch batch;
  auto* same = batch.add_preconditions();
  same->set_kind(pb::precondition::equals);
  same->set_key(tables::bucket(name));
  same->set_digest(tables::digest_of(row));
  auto* put = batch.add_operations();
  put->set_kind(pb::operation::put);
  put->set_key(tables::bucket(name));
  put->set_value(record.SerializeAsString());
  auto done = co_await commit(std::move(batch));
  if (!done) co_return done.error();
  co_return done->applied();
}

bool clustered_store::encrypts(const pb::bucket_record& record) const {
  return record.encryption().empty() ? options_.encrypt : record.encryption() == "on";
}

http::task<result<>> clustered_store::set_encryption(std::string name, std::string word) {
  constexpr int looks_max = 8;
  if (word == "on") { // the key first: whoever sees the word can encrypt
    auto has_key = co_await keeping(name, true);
    if (!has_key) co_return has_key.error();
  }
  for (int look = 0; look < looks_max; ++look) {
    auto row = co_await read_row(tables::bucket(name));
    if (!row) co_return row.error();
    if (!*row) co_return fail(ec::no_such_bucket, "there is no bucket " + name);
    pb::bucket_record record;
    if (!record.ParseFromString(**row)) co_return fail(ec::corrupt, "the record of bucket " + name + " does not parse");
    record.set_encryption(word);
    auto done = co_await replace_bucket(name, **row, std::move(record));
    if (!done) co_return done.error();
    seen_->forget(name);
    if (*done) co_return result<>{};
  }
  co_return fail(ec::slow_down, "other requests keep changing bucket " + name);
}

http::task<result<seen_bucket>> clustered_store::keeping(const std::string& name, bool encrypt) {
  constexpr int looks_max = 8;
  for (int look = 0; look < looks_max; ++look) {
    auto seen = seen_->find(name, io_.now());
    if (!seen || ((encrypt || seen->encrypts) && !seen->key)) {
      auto row = co_await read_row(tables::bucket(name));
      if (!row) co_return row.error();
      if (!*row) co_return fail(ec::no_such_bucket, "there is no bucket " + name);
      pb::bucket_record record;
      if (!record.ParseFromString(**row))
        co_return fail(ec::corrupt, "the record of bucket " + name + " does not parse");
      auto now = seen_in(name, **row, record);
      if (!now) co_return now.error();
      if ((encrypt || now->encrypts) && !now->has_key && options_.master) {
        auto added = co_await add_key(name, **row, std::move(record));
        if (!added) co_return added.error();
        continue; // the row is another one now, by us or by somebody else
      }
      seen_->note(name, *now, io_.now());
      seen = std::move(*now);
    }
    if ((!encrypt && !seen->encrypts) || seen->key) co_return *seen;
    if (!options_.master)
      co_return fail(ec::not_implemented,
        "bucket " + name + " can not be encrypted by this node: it has no identity.master_key_file");
    co_return fail(ec::unavailable, "the key of bucket " + name + " is not of this node's identity.master_key_file");
  }
  co_return fail(ec::slow_down, "other requests keep changing bucket " + name);
}

http::task<result<seen_bucket>> clustered_store::keeping_for(const put_object& what, bool encrypt) {
  auto seen = co_await keeping(what.bucket, encrypt);
  if (!seen) co_return seen;
  if (what.durability) seen->how.durability = *what.durability;
  seen->encrypts = seen->encrypts || encrypt;
  co_return seen;
}

http::task<result<>> clustered_store::create_bucket(std::string name, std::string owner, std::string region) {
  pb::bucket_record record;
  record.set_created_ms(options_.clock->now());
  record.set_owner(owner);
  record.set_region(std::move(region));
  pb::batch batch;
  auto* absent = batch.add_preconditions();
  absent->set_kind(pb::precondition::not_exists);
  absent->set_key(tables::bucket(name));
  auto* put = batch.add_operations();
  put->set_kind(pb::operation::put);
  put->set_key(tables::bucket(name));
  put->set_value(record.SerializeAsString());
  auto done = co_await commit(std::move(batch));
  if (!done) co_return done.error();
  if (done->applied()) co_return result<>{};
  auto there = co_await bucket(name);
  if (there && there->owner() != owner)
    co_return fail(ec::bucket_already_exists, "bucket " + name + " belongs to another account");
  co_return fail(ec::bucket_already_owned_by_you, "bucket " + name + " exists and is yours");
}

http::task<result<pb::bucket_record>> clustered_store::bucket(std::string name) {
  auto row = co_await read_row(tables::bucket(name));
  if (!row) co_return row.error();
  if (!*row) co_return fail(ec::no_such_bucket, "there is no bucket " + name);
  pb::bucket_record record;
  if (!record.ParseFromString(**row)) co_return fail(ec::corrupt, "the record of bucket " + name + " does not parse");
  co_return record;
}

// Uploads that were never completed do not keep a bucket (as on AWS); they are aborted first.
http::task<result<>> clustered_store::delete_bucket(std::string name) {
  constexpr int rounds_max = 1000;
  for (int round = 0; round < rounds_max; ++round) {
    pb::batch batch;
    auto require = [&](pb::precondition_kinds kind, std::string key) {
      auto* p = batch.add_preconditions();
      p->set_kind(kind);
      p->set_key(std::move(key));
    };
    require(pb::precondition::exists, tables::bucket(name));
    require(pb::precondition::prefix_empty, tables::object(name, {}));
    require(pb::precondition::prefix_empty, tables::uploads_of(name));
    auto* erase = batch.add_operations();
    erase->set_kind(pb::operation::erase);
    erase->set_key(tables::bucket(name));
    auto done = co_await commit(std::move(batch));
    if (!done) co_return done.error();
    if (done->applied()) co_return result<>{};
    if (done->failed_precondition() == 0) co_return fail(ec::no_such_bucket, "there is no bucket " + name);
    if (done->failed_precondition() == 1) co_return fail(ec::bucket_not_empty, "bucket " + name + " holds objects");
    auto open = co_await list_uploads(name, {}, {}, {}, {}, 1000);
    if (!open) co_return open.error();
    for (auto& u : open->entries) {
      auto gone = co_await abort_upload(name, u.key, u.upload_id);
      if (!gone && gone.error().code != ec::no_such_upload) co_return gone.error();
    }
  }
  co_return fail(ec::conflict, "uploads into bucket " + name + " keep starting");
}

http::task<result<std::vector<std::pair<std::string, pb::bucket_record>>>> clustered_store::list_buckets() {
  std::vector<std::pair<std::string, pb::bucket_record>> all;
  std::string after;
  for (;;) {
    auto page = co_await list_rows(tables::all_buckets(), after, {}, 1000);
    if (!page) co_return page.error();
    for (const auto& e : page->entries()) {
      if (is_hidden(std::string_view{e.key()}.substr(1))) continue;
      pb::bucket_record record;
      if (!record.ParseFromString(e.value())) co_return fail(ec::corrupt, "a bucket record does not parse");
      all.emplace_back(e.key().substr(1), std::move(record));
    }
    if (!page->truncated()) co_return all;
    after = page->last();
  }
}

} // namespace troupe
