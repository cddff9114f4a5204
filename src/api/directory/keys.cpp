#include "api/directory/keys.hpp"

#include "core/directory_drain.hpp"
#include "core/directory_put.hpp"
#include "core/tables.hpp"

#include <cstring>
#include <memory>

namespace troupe::directory {

namespace {

constexpr int attempts_max = 32; // races lost in a row on one key before a client hears of it

class text_source final : public http::body_source {
public:
  explicit text_source(std::string_view text) : rest_(text) {}
  http::task<std::size_t> read(bytes_span dst) override {
    const auto n = std::min(dst.size(), rest_.size());
    if (n != 0) std::memcpy(dst.data(), rest_.data(), n);
    rest_.remove_prefix(n);
    co_return n;
  }

private:
  std::string_view rest_;
};

void require(pb::batch& batch, bool there, const disk_bucket& where, const std::string& key) {
  auto& p = *batch.add_preconditions();
  p.set_kind(there ? pb::precondition::exists : pb::precondition::not_exists);
  p.set_key(tables::object(directory_bucket, object_key(where, key)));
}

// What a put needs besides the key's own rows: the layout, that the key is (not) there, and no copy in the old home.
std::shared_ptr<const pb::batch> beside_put(const located_key& at, const std::string& key) {
  auto batch = std::make_shared<pb::batch>();
  require_layout(*batch, at.layout);
  require(*batch, at.where == at.home, at.home, key);
  const auto old = at.layout.previous_home_of(key);
  if (!old) return batch;
  if (at.where != at.home) require(*batch, at.where.has_value(), *old, key);
  auto& record = *batch->add_operations();
  record.set_kind(pb::operation::erase);
  record.set_key(tables::object(directory_bucket, object_key(*old, key)));
  record.set_collect(true);
  auto& content = *batch->add_operations();
  content.set_kind(pb::operation::erase);
  content.set_key(tables::inline_content(directory_bucket, object_key(*old, key)));
  return batch;
}

result<stored_object> parse_object(const std::string& record, std::optional<std::string>& content) {
  stored_object object;
  if (!object.record.ParseFromString(record)) return fail(ec::corrupt, "the record of a key does not parse");
  if (!object.record.inlined()) return object;
  if (!content || content->size() != inline_row_bytes(object.record))
    return fail(ec::corrupt, "the value of a key is not with its record");
  object.inlined = std::move(*content);
  return object;
}

error busy(const std::string& key) { return fail(ec::slow_down, "other requests keep changing the key " + key); }

} // namespace

http::task<result<located_key>> keys::find(std::string key) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto layout = table_.get();
    if (!layout) {
      auto read = co_await rows_.layout();
      if (!read) co_return read.error();
      table_.set(*read);
      layout = *read;
    }
    located_key at{.layout = *layout, .home = layout->home_of(key), .where = {}, .object = {}};
    const auto old = layout->previous_home_of(key);
    std::vector<std::string> asked;
    asked.push_back(directory_layout::row_key());
    asked.push_back(tables::object(directory_bucket, object_key(at.home, key)));
    asked.push_back(tables::inline_content(directory_bucket, object_key(at.home, key)));
    if (old) {
      asked.push_back(tables::object(directory_bucket, object_key(*old, key)));
      asked.push_back(tables::inline_content(directory_bucket, object_key(*old, key)));
    }
    auto found = co_await rows_.read(std::move(asked));
    if (!found) co_return found.error();
    auto& row = *found;
    if (!row[0] || *row[0] != layout->row()) { // resized, or settled
      auto read = co_await rows_.layout();
      if (!read) co_return read.error();
      table_.set(*read);
      continue;
    }
    std::size_t record = 0;
    if (row[1])
      record = 1, at.where = at.home;
    else if (old && row[3])
      record = 3, at.where = *old;
    if (record == 0) co_return at;
    auto object = parse_object(*row[record], row[record + 1]);
    if (!object) co_return object.error();
    auto opened = co_await store_.open(std::string{directory_bucket}, std::move(*object));
    if (!opened) co_return opened.error();
    at.object = std::move(*opened);
    co_return at;
  }
  co_return fail(ec::slow_down, "the number of disk buckets keeps changing");
}

http::task<result<keys::put_outcome>> keys::put(std::string key, std::string value) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto at = co_await find(key);
    if (!at) co_return at.error();
    put_object what;
    what.bucket = directory_bucket;
    what.key = object_key(at->home, key);
    what.size = value.size();
    what.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    what.conditions.also = beside_put(*at, key);
    text_source content{value};
    auto done = co_await store_.put(std::move(what), content);
    if (done) co_return put_outcome{.home = at->home, .created = !at->where};
    if (done.error().code != ec::conflict) co_return done.error();
  }
  co_return busy(key);
}

http::task<result<keys::value_outcome>> keys::get(std::string key) {
  auto at = co_await find(std::move(key));
  if (!at) co_return at.error();
  value_outcome out{.home = at->home, .value = {}};
  if (!at->where) co_return out;
  auto value = co_await read_value(at->object);
  if (!value) co_return value.error();
  out.value = std::move(*value);
  co_return out;
}

http::task<result<keys::value_outcome>> keys::remove(std::string key) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto at = co_await find(key);
    if (!at) co_return at.error();
    value_outcome out{.home = at->home, .value = {}};
    if (!at->where) co_return out;
    auto value = co_await read_value(at->object);
    if (!value) co_return value.error();
    auto also = std::make_shared<pb::batch>();
    require_layout(*also, at->layout);
    object_conditions conditions;
    conditions.if_match = at->object.record.etag(); // the MD5 of the value: what goes is what was read
    conditions.also = std::move(also);
    auto done =
      co_await store_.remove(std::string{directory_bucket}, object_key(*at->where, key), std::move(conditions));
    if (done) {
      out.value = std::move(*value);
      co_return out;
    }
    switch (done.error().code) {
    case ec::conflict:            // the layout
    case ec::no_such_key:         // moved, or taken away
    case ec::precondition_failed: // overwritten
    case ec::conditional_request_conflict: break;
    default: co_return done.error();
    }
  }
  co_return busy(key);
}

http::task<result<std::string>> keys::read_value(const stored_object& object) {
  if (object.record.inlined() || object.record.size() == 0) co_return object.inlined;
  if (object.record.size() > value_bytes_max) co_return fail(ec::corrupt, "a value is larger than values can be");
  std::string value;
  value.reserve(object.record.size());
  auto reader = store_.read(object, 0, object.record.size());
  for (;;) {
    auto piece = co_await reader->next();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return value;
    value += piece->text();
  }
}

} // namespace troupe::directory
