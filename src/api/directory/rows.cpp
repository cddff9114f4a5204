#include "api/directory/rows.hpp"

#include "core/directory_drain.hpp"
#include "core/tables.hpp"

namespace troupe::directory {

namespace {

constexpr int attempts_max = 8;
constexpr std::uint32_t keys_per_page = 2000;

void put(pb::batch& batch, std::string key, std::string value) {
  auto& o = *batch.add_operations();
  o.set_kind(pb::operation::put);
  o.set_key(std::move(key));
  o.set_value(std::move(value));
}

// The first layout, and the bucket that everything lies in.
pb::batch founding(unix_ms now) {
  pb::batch batch;
  auto& absent = *batch.add_preconditions();
  absent.set_kind(pb::precondition::not_exists);
  absent.set_key(directory_layout::row_key());
  put(batch, directory_layout::row_key(), directory_layout{}.row());
  pb::bucket_record bucket;
  bucket.set_created_ms(now);
  bucket.set_owner("troupe");
  put(batch, tables::bucket(directory_bucket), bucket.SerializeAsString());
  return batch;
}

} // namespace

http::task<result<std::vector<std::optional<std::string>>>> rows::read(std::vector<std::string> keys) {
  pb::read_request request;
  for (const auto& k : keys) request.add_keys(k);
  request.set_trace(trace_.to_request());
  auto reply = co_await http::ask<wire<pb::read_reply>>(
    *actors_, metadata_, timeout, read_atom::value, wire<pb::read_request>{std::move(request)});
  if (!reply) co_return reply.error();
  std::vector<std::optional<std::string>> found(keys.size());
  int next = 0; // in the order asked, those that are there
  for (std::size_t i = 0; i < keys.size() && next < (*reply)->rows_size(); ++i)
    if ((*reply)->rows(next).key() == keys[i]) found[i] = (*reply)->rows(next++).value();
  co_return found;
}

http::task<result<pb::list_reply>> rows::list(std::string prefix, std::string after, std::uint32_t limit) {
  pb::list_request request;
  request.set_prefix(std::move(prefix));
  request.set_start_after(std::move(after));
  request.set_limit(limit);
  request.set_trace(trace_.to_request());
  auto reply = co_await http::ask<wire<pb::list_reply>>(
    *actors_, metadata_, timeout, list_atom::value, wire<pb::list_request>{std::move(request)});
  if (!reply) co_return reply.error();
  co_return **reply;
}

http::task<result<pb::batch_result>> rows::commit(pb::batch batch) {
  batch.set_now_ms(clock_->now());
  batch.set_trace(trace_.to_request());
  auto reply = co_await http::ask<wire<pb::batch_result>>(
    *actors_, metadata_, timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
  if (!reply) co_return reply.error();
  co_return **reply;
}

http::task<result<directory_layout>> rows::layout() {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::vector<std::string> keys;
    keys.push_back(directory_layout::row_key());
    auto found = co_await read(std::move(keys));
    if (!found) co_return found.error();
    if (found->front()) co_return directory_layout::parse(*found->front());
    auto made = co_await commit(founding(clock_->now()));
    if (!made) co_return made.error();
  }
  co_return fail(ec::internal, "the layout of the directory is not there after it was made");
}

http::task<result<directory_layout>> rows::resize(std::uint32_t buckets) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto now = co_await layout();
    if (!now) co_return now.error();
    auto next = now->resized(buckets);
    if (!next || *next == *now) co_return next;
    pb::batch batch;
    require_layout(batch, *now);
    put(batch, directory_layout::row_key(), next->row());
    auto done = co_await commit(std::move(batch));
    if (!done) co_return done.error();
    if (done->applied()) co_return next;
  }
  co_return fail(ec::conflict, "others keep changing the number of disk buckets: try again");
}

http::task<result<key_count>> count_keys(rows r, std::string prefix) {
  key_count count;
  std::string after;
  const auto below = tables::object(directory_bucket, prefix);
  for (;;) {
    auto page = co_await r.list(below, after, keys_per_page);
    if (!page) co_return page.error();
    for (const auto& e : page->entries()) {
      const auto placed = parse_object_key(tables::key_of_object(e.key(), directory_bucket.size()));
      if (!placed) continue;
      ++count.by_bucket[placed->where.id];
      ++count.total;
    }
    if (!page->truncated()) co_return count;
    if (count.total >= keys_counted_max) break;
    after = page->last();
  }
  count.more = true;
  co_return count;
}

} // namespace troupe::directory
