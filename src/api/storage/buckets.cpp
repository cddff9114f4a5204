// Buckets: list, create, look at, delete; with force also what is in one.
#include "actors/interfaces.hpp"
#include "api/admin/change_request.hpp"
#include "api/http/ask.hpp"
#include "api/s3/names.hpp"
#include "api/storage/call.hpp"
#include "core/tables.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace troupe::storage {

namespace {

constexpr std::size_t document_bytes_max = std::size_t{64} << 10;
constexpr int force_rounds_max = 1000; // of entries_max objects; whoever has more sends it again
constexpr std::chrono::seconds commit_timeout{15};

http::task<> create(call& c, std::string name) {
  must(co_await c.store.create_bucket(name, c.config.owner, c.config.context.region));
  const auto record = must(co_await c.store.bucket(name));
  co_await answer_data(c, 201, bucket_json(name, record));
}

// {"name": ..., "is_public": false}
std::string name_in(std::string_view text) {
  json::parse_options shallow;
  shallow.max_depth = 2;
  json::error_code e;
  const auto parsed = json::parse(text, e, {}, shallow);
  const auto* o = e ? nullptr : parsed.if_object();
  const auto* name = o == nullptr ? nullptr : o->if_contains("name");
  if (name == nullptr || !name->is_string())
    throw http::api_error{ec::invalid_request, "the body is a JSON object with \"name\""};
  if (const auto* open = o->if_contains("is_public"); open != nullptr && (!open->is_bool() || open->get_bool()))
    throw http::api_error{ec::not_implemented, "public buckets are not there: every request is signed"};
  return std::string{name->get_string()};
}

// The objects of a page, by one batch. Their content is reclaimed later, as after any delete.
http::task<bool> empty_a_page(call& c, const std::string& bucket) {
  list_objects what; // named: GCC 12 does not take a list in a co_await
  what.bucket = bucket;
  what.limit = entries_max;
  const auto page = must(co_await c.store.list(std::move(what)));
  if (page.entries.empty()) co_return false;
  for (const auto& entry : page.entries) c.from.require_also(identity::action::remove, bucket, entry.key);
  pb::batch batch;
  batch.set_now_ms(c.config.context.clock->now());
  batch.set_trace(c.rq.trace.to_request());
  for (const auto& entry : page.entries) {
    auto& record = *batch.add_operations();
    record.set_kind(pb::operation::erase);
    record.set_key(tables::object(bucket, entry.key));
    record.set_collect(true);
    auto& content = *batch.add_operations();
    content.set_kind(pb::operation::erase);
    content.set_key(tables::inline_content(bucket, entry.key));
  }
  auto& actors = c.config.context.actors_of(c.rq);
  auto done = co_await http::ask<wire<pb::batch_result>>(
    actors, c.config.context.metadata, commit_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
  must(std::move(done));
  co_return true;
}

} // namespace

http::task<> on_list_buckets(call& c) {
  const auto all = must(co_await c.store.list_buckets());
  json::array out;
  c.rq.action = identity::to_string(identity::action::list);
  for (const auto& [name, record] : all)
    if (c.from.is_shown(name)) out.push_back(bucket_json(name, record));
  co_await answer_data(c, 200, std::move(out));
}

http::task<> on_create_bucket(call& c) { co_await create(c, c.bucket()); }

http::task<> on_post_bucket(call& c) {
  const auto name = name_in(co_await whole_body(c, document_bytes_max));
  must(s3::check_bucket_name(name));
  c.from.require(identity::action::admin, name);
  co_await create(c, name);
}

http::task<> on_get_bucket(call& c) {
  const auto name = c.bucket();
  const auto record = must(co_await c.store.bucket(name));
  co_await answer_data(c, 200, bucket_json(name, record));
}

http::task<> on_delete_bucket(call& c) {
  const auto name = c.bucket();
  const auto* text = c.rq.target().q("force");
  const auto force = text != nullptr && must(admin::parse_flag(*text));
  for (int round = 0; round < force_rounds_max; ++round) {
    auto gone = co_await c.store.delete_bucket(name);
    if (gone) {
      co_await answer_nothing(c);
      co_return;
    }
    if (gone.error().code != ec::bucket_not_empty || !force) must(std::move(gone));
    (void)co_await empty_a_page(c, name);
  }
  throw http::api_error{ec::bucket_not_empty, "bucket " + name + " still holds objects: send it again"};
}

} // namespace troupe::storage
