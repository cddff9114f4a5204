// Buckets: rows of table buckets.
#include "api/objects/clustered_store.hpp"
#include "core/tables.hpp"

namespace troupe {

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
