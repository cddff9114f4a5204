// Reads of rows and commits of batches: the store's half of the conversation with the METADATA actor.
#include "api/objects/clustered_store.hpp"
#include "core/tables.hpp"

#include <set>

namespace troupe {
namespace {

constexpr int attempts_max = 8; // races lost in a row before a client hears of it

pb::precondition* add(pb::batch& b, pb::precondition_kinds kind, std::string key) {
  auto* p = b.add_preconditions();
  p->set_kind(kind);
  p->set_key(std::move(key));
  return p;
}

bool names(const std::string& pattern, const std::string& etag) { return pattern == "*" || pattern == etag; }

} // namespace

http::task<result<std::vector<std::optional<std::string>>>> clustered_store::read_rows(std::vector<std::string> keys) {
  pb::read_request request;
  for (const auto& k : keys) request.add_keys(k);
  open_span traced{options_.tracing, trace_, "metadata read", span_kind::client};
  request.set_trace(traced.context_bytes());
  auto reply = co_await http::ask<wire<pb::read_reply>>(bridge_, options_.metadata, options_.metadata_timeout,
    read_atom::value, wire<pb::read_request>{std::move(request)});
  if (!reply) {
    traced.failed(reply.error().message);
    co_return reply.error();
  }
  std::vector<std::optional<std::string>> rows(keys.size());
  int next = 0;
  for (std::size_t i = 0; i < keys.size() && next < (*reply)->rows_size(); ++i) {
    const auto& row = (*reply)->rows(next);
    if (row.key() != keys[i]) continue;
    rows[i] = row.value();
    ++next;
  }
  co_return rows;
}

http::task<result<std::optional<std::string>>> clustered_store::read_row(std::string key) {
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  auto rows = co_await read_rows(std::move(keys));
  if (!rows) co_return rows.error();
  co_return std::move(rows->front());
}

http::task<result<pb::list_reply>> clustered_store::list_rows(
  std::string prefix, std::string start_after, std::string delimiter, std::uint32_t limit) {
  pb::list_request request;
  request.set_prefix(std::move(prefix));
  request.set_start_after(std::move(start_after));
  request.set_delimiter(std::move(delimiter));
  request.set_limit(limit);
  open_span traced{options_.tracing, trace_, "metadata list", span_kind::client};
  request.set_trace(traced.context_bytes());
  auto reply = co_await http::ask<wire<pb::list_reply>>(bridge_, options_.metadata, options_.metadata_timeout,
    list_atom::value, wire<pb::list_request>{std::move(request)});
  if (!reply) {
    traced.failed(reply.error().message);
    co_return reply.error();
  }
  co_return **reply;
}

http::task<result<pb::batch_result>> clustered_store::commit(pb::batch batch) {
  batch.set_now_ms(options_.clock->now());
  open_span traced{options_.tracing, trace_, "metadata commit", span_kind::client};
  batch.set_trace(traced.context_bytes());
  auto reply = co_await http::ask<wire<pb::batch_result>>(
    bridge_, options_.metadata, options_.metadata_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
  if (!reply) {
    traced.failed(reply.error().message);
    co_return reply.error();
  }
  co_return **reply;
}

http::task<result<>> clustered_store::add_conditions(
  pb::batch& batch, const std::string& bucket, const std::string& key, const object_conditions& conditions) {
  auto row_key = tables::object(bucket, key);
  auto read = co_await read_row(row_key);
  if (!read) co_return read.error();
  const auto& row = *read;
  if (!row) {
    if (conditions.if_match) co_return fail(ec::no_such_key, "If-Match: there is no object " + bucket + "/" + key);
    add(batch, pb::precondition::not_exists, row_key);
    co_return result<>{};
  }
  pb::object_record record;
  if (!record.ParseFromString(*row))
    co_return fail(ec::corrupt, "the record of " + bucket + "/" + key + " does not parse");
  if (conditions.if_none_match && names(*conditions.if_none_match, record.etag()))
    co_return fail(ec::precondition_failed, "If-None-Match: the object is there");
  if (conditions.if_match && !names(*conditions.if_match, record.etag()))
    co_return fail(ec::precondition_failed, "If-Match: the ETag is another");
  add(batch, pb::precondition::equals, row_key)->set_digest(tables::digest_of(*row));
  co_return result<>{};
}

http::task<result<>> clustered_store::publish(const std::string& bucket_name, const std::string& key,
  const object_conditions& conditions, pb::batch base, std::optional<std::uint64_t> row_digest) {
  bool conditional = conditions.if_match || conditions.if_none_match;
  if (conditions.also) {
    base.mutable_preconditions()->MergeFrom(conditions.also->preconditions());
    base.mutable_operations()->MergeFrom(conditions.also->operations());
  }
  auto own = static_cast<std::uint32_t>(base.preconditions_size()); // the caller's come first
  std::set<std::uint32_t> claims; // those of the caller's that speak of condemned content
  for (std::uint32_t i = 0; i < own; ++i)
    if (upload_era::is_claim(base.preconditions(static_cast<int>(i)))) claims.insert(i);
  auto* there =
    add(base, row_digest ? pb::precondition::equals : pb::precondition::exists, tables::bucket(bucket_name));
  if (row_digest) there->set_digest(*row_digest);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    base.mutable_preconditions()->DeleteSubrange(
      static_cast<int>(own) + 1, base.preconditions_size() - static_cast<int>(own) - 1);
    if (conditional)
      if (auto ok = co_await add_conditions(base, bucket_name, key, conditions); !ok) co_return ok.error();
    auto proposal = conditional ? base : std::move(base); // only a race on the conditions is worth another round
    auto done = co_await commit(std::move(proposal));
    if (!done) co_return done.error();
    if (done->applied()) co_return result<>{};
    if (claims.contains(done->failed_precondition()))
      co_return fail(ec::slow_down, "this took so long that what was sent was taken for abandoned: send it again");
    if (done->failed_precondition() < own)
      co_return fail(ec::conflict, "another request changed what this one builds on");
    if (done->failed_precondition() == own) {
      seen_->forget(bucket_name);
      if (row_digest)
        if (auto now = co_await bucket(bucket_name); now)
          co_return fail(ec::slow_down, "bucket " + bucket_name + " was changed while this was sent: send it again");
      co_return fail(ec::no_such_bucket, "there is no bucket " + bucket_name);
    }
    // The object changed between the look and the commit: look again.
  }
  co_return fail(ec::conditional_request_conflict, "other requests keep changing " + bucket_name + "/" + key);
}

} // namespace troupe
