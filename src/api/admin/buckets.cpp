// GET and POST /admin/buckets/{name}[?class=&durability=&encryption=]: how a bucket's content is kept (core/content_class.hpp). A change
// holds for what is stored from then on, within a second on every node.
#include "api/admin/call.hpp"
#include "api/objects/object_store.hpp"
#include "core/content_class.hpp"
#include "core/tables.hpp"

#include <algorithm>

namespace troupe::admin {

namespace {

struct bucket_row {
  std::string bytes;
  pb::bucket_record record;
};

http::task<bucket_row> read_bucket(call& c) {
  const auto& name = c.parameters.at("name");
  pb::read_request what;
  what.add_keys(tables::bucket(name));
  auto found = must(co_await http::ask<wire<pb::read_reply>>(
    c.actors, c.config.metadata, look_timeout, read_atom::value, wire<pb::read_request>{std::move(what)}));
  if (found->rows_size() == 0 || is_hidden(name))
    throw http::api_error{ec::no_such_bucket, "there is no bucket " + name};
  bucket_row row;
  row.bytes = found->rows(0).value();
  if (!row.record.ParseFromString(row.bytes))
    throw http::api_error{ec::corrupt, "the record of bucket " + name + " does not parse"};
  co_return row;
}

bucket_keeping keeping_in(const pb::bucket_record& record) {
  bucket_keeping how;
  if (!record.content_class().empty()) how.shape = must(content_class_named(record.content_class()));
  if (!record.durability().empty()) how.durability = must(durability_named(record.durability()));
  return how;
}

json::object bucket_json(const std::string& name, const bucket_keeping& how, const std::string& encryption) {
  return {{"bucket", name}, {"class", name_of(how.shape)}, {"durability", json::string_view{name_of(how.durability)}},
    {"encryption", encryption.empty() ? "default" : encryption}};
}

http::task<std::size_t> storage_nodes(call& c) {
  const auto found = co_await survey(c);
  co_return static_cast<std::size_t>(
    std::count_if(found->nodes.begin(), found->nodes.end(), [](const node_survey& n) { return n.asked; }));
}

} // namespace

http::task<> on_bucket(call& c) {
  const auto row = co_await read_bucket(c);
  co_await answer(c, bucket_json(c.parameters.at("name"), keeping_in(row.record), row.record.encryption()));
}

http::task<> on_set_bucket(call& c) {
  const auto shape = parameter(c, "class"), durability = parameter(c, "durability"),
             encryption = parameter(c, "encryption");
  if (shape.empty() && durability.empty() && encryption.empty())
    throw http::api_error{ec::bad_argument, "the query needs class=, durability= or encryption="};
  if (!encryption.empty() && encryption != "on" && encryption != "off" && encryption != "default")
    throw http::api_error{ec::bad_argument, "encryption= is on, off or default"};
  if (encryption == "on" && !c.config.identities.master)
    throw http::api_error{
      ec::bad_argument, "there is no master key to encrypt with: set identity.master_key_file on every coordinator"};
  const auto& name = c.parameters.at("name");
  auto row = co_await read_bucket(c);
  auto how = keeping_in(row.record);
  if (!shape.empty()) how.shape = must(content_class_named(shape));
  if (!durability.empty()) how.durability = must(durability_named(durability));
  must(check(how, co_await storage_nodes(c)));
  row.record.set_content_class(name_of(how.shape));
  row.record.set_durability(std::string{name_of(how.durability)});
  if (!encryption.empty()) row.record.set_encryption(encryption == "default" ? std::string{} : encryption);

  pb::batch batch;
  batch.set_now_ms(c.config.clock.now());
  auto* same = batch.add_preconditions();
  same->set_kind(pb::precondition::equals);
  same->set_key(tables::bucket(name));
  same->set_digest(tables::digest_of(row.bytes));
  auto* put = batch.add_operations();
  put->set_kind(pb::operation::put);
  put->set_key(tables::bucket(name));
  put->set_value(row.record.SerializeAsString());
  auto done = must(co_await http::ask<wire<pb::batch_result>>(
    c.actors, c.config.metadata, change_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)}));
  if (!done->applied())
    throw http::api_error{ec::conflict, "bucket " + name + " was changed by another request meanwhile: try again"};
  co_await answer(c, bucket_json(name, how, row.record.encryption()));
}

} // namespace troupe::admin
