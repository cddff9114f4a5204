#include "api/files/wal_repair.hpp"

#include "codec/checksum_set.hpp"
#include "codec/text.hpp"
#include "core/tables.hpp"

#include <memory>

namespace troupe::files {

namespace {

// The file's row is as the check read it.
pb::precondition unchanged(const difference& d) {
  pb::precondition p;
  p.set_key(tables::object(bucket_name, d.file));
  p.set_kind(d.row ? pb::precondition::equals : pb::precondition::not_exists);
  if (d.row) p.set_digest(tables::digest_of(*d.row));
  return p;
}

// Nothing when the log's record does not lead to content of its size.
http::task<std::optional<stored_object>> logged_version(log_access& c, const difference& d) {
  stored_object object;
  std::optional<stored_object> found;
  auto& record = object.record;
  if (!record.ParseFromString(d.expected->data())) co_return found;
  pb::object_record now;
  if (d.row && now.ParseFromString(*d.row) && now.extent().data_id() == record.extent().data_id())
    *record.mutable_extent() = now.extent(); // its pieces may have moved since
  if (record.inlined()) {
    std::vector<std::string> keys;
    keys.push_back(tables::inline_content(bucket_name, d.file));
    auto rows = co_await read_rows(c, std::move(keys));
    if (!rows[0] || rows[0]->size() != inline_row_bytes(record)) co_return found;
    object.inlined = std::move(*rows[0]);
  }
  auto opened = co_await c.store.open(std::string{bucket_name}, std::move(object));
  if (opened)
    found = std::move(*opened);
  else if (opened.error().code != ec::corrupt)
    must(std::move(opened));
  co_return found;
}

// Content that may be unreadable: tells that from everything else that can fail in a put.
class doubtful_content final : public http::body_source {
public:
  explicit doubtful_content(std::unique_ptr<object_reader> reader) : content_(std::move(reader)) {}
  http::task<std::size_t> read(bytes_span dst) override {
    unreadable_ = true; // until the read below has not thrown
    const auto n = co_await content_.read(dst);
    unreadable_ = false;
    co_return n;
  }
  bool unreadable() const { return unreadable_; }

private:
  object_content content_;
  bool unreadable_ = false;
};

void copy_pairs(const google::protobuf::RepeatedPtrField<pb::name_value>& from,
  std::vector<std::pair<std::string, std::string>>& to) {
  for (const auto& p : from) to.emplace_back(p.name(), p.value());
}

// What is stored is stored again, compressed or not; its MD5 is the record's ETag.
put_object again(const std::string& file, const pb::object_record& record, std::string md5) {
  put_object what;
  what.bucket = bucket_name;
  what.key = file;
  what.size = record.size();
  copy_pairs(record.headers(), what.headers);
  copy_pairs(record.metadata(), what.metadata);
  copy_pairs(record.tags(), what.tags);
  for (const auto& sum : record.checksums())
    if (const auto kind = checksum_kind_named(sum.algorithm())) what.checksums.add(*kind);
  what.expected.md5 = std::move(md5);
  what.storage_class = record.storage_class();
  if (info_of(file, record).replication == "sync") what.durability = durability::all;
  return what;
}

http::task<const char*> restore(log_access& c, const difference& d, std::uint64_t segment_bytes) {
  const auto object = co_await logged_version(c, d);
  if (!object) co_return "lost";
  auto md5 = hex_decode(object->record.etag());
  if (!md5 || md5->size() != 16) co_return "lost";
  auto what = again(d.file, object->record, std::move(*md5));
  auto also = std::make_shared<pb::batch>();
  *also->add_preconditions() = unchanged(d);
  what.conditions.also = std::move(also);
  what.beside = [&](const pb::object_record& record, pb::batch& batch) {
    *batch.add_operations() =
      file_log::append_operation(file_log::entry_of(pb::file_log_entry::update, d.file, record), segment_bytes);
  };
  doubtful_content content{c.store.read(*object, 0, object->record.size())};
  try {
    auto done = co_await c.store.put(std::move(what), content);
    if (!done && done.error().code == ec::bad_digest) co_return "lost";
    if (!done && done.error().code == ec::conflict) co_return "changed";
    must(std::move(done));
  } catch (const http::api_error&) {
    if (!content.unreadable()) throw;
    co_return "lost";
  }
  co_return "restored";
}

http::task<const char*> remove_unknown(log_access& c, const difference& d) {
  pb::batch batch;
  *batch.add_preconditions() = unchanged(d);
  auto* record = batch.add_operations();
  record->set_kind(pb::operation::erase);
  record->set_key(tables::object(bucket_name, d.file));
  record->set_collect(true);
  auto* content = batch.add_operations();
  content->set_kind(pb::operation::erase);
  content->set_key(tables::inline_content(bucket_name, d.file));
  const bool done = co_await commit(c, std::move(batch));
  co_return done ? "removed" : "changed";
}

} // namespace

http::task<const char*> repair(log_access& c, const difference& d, repairs how, std::uint64_t segment_bytes) {
  if (how == repairs::none) co_return "none";
  if (d.kind != difference::kinds::unknown) co_return co_await restore(c, d, segment_bytes);
  if (how == repairs::all) co_return co_await remove_unknown(c, d);
  co_return "none";
}

} // namespace troupe::files
