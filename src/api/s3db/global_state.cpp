#include "api/s3db/global_state.hpp"

#include "api/http/ask.hpp"
#include "core/tables.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::s3db {

namespace {

constexpr std::chrono::seconds metadata_timeout{15};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

} // namespace

result<> check_table(std::string_view table) {
  if (table.empty() || table.size() > table_bytes_max || !std::ranges::all_of(table, is_name_character))
    return fail(ec::bad_argument,
      "a table's name is 1 to " + std::to_string(table_bytes_max) + " of letters, digits, '.', '_' and '-'");
  return {};
}

result<> check_key(std::string_view key) {
  if (key.empty() || key.size() > key_bytes_max)
    return fail(ec::bad_argument,
      "a key has 1 to " + std::to_string(key_bytes_max) + " bytes; this one has " + std::to_string(key.size()));
  return {};
}

http::task<result<std::optional<std::string>>> global_state::look(std::string row) {
  pb::read_request request;
  request.add_keys(std::move(row));
  request.set_trace(trace_.to_request());
  auto reply = co_await http::ask<wire<pb::read_reply>>(
    bridge_, metadata_, metadata_timeout, read_atom::value, wire<pb::read_request>{std::move(request)});
  if (!reply) co_return reply.error();
  std::optional<std::string> value;
  if ((*reply)->rows_size() != 0) value = (*reply)->rows(0).value();
  co_return value;
}

http::task<result<>> global_state::commit(pb::operation operation) {
  pb::batch batch;
  *batch.add_operations() = std::move(operation);
  batch.set_now_ms(clock_.now());
  batch.set_trace(trace_.to_request());
  auto done = co_await http::ask<wire<pb::batch_result>>(
    bridge_, metadata_, metadata_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
  if (!done) co_return done.error();
  co_return result<>{};
}

http::task<result<std::string>> global_state::get(std::string table, std::string key) {
  auto value = co_await look(tables::value(table, key));
  if (!value) co_return value.error();
  if (!*value) co_return fail(ec::no_such_key, "table " + table + " has no such key");
  co_return std::move(**value);
}

http::task<result<bool>> global_state::exists(std::string table, std::string key) {
  auto value = co_await look(tables::value(table, key));
  if (!value) co_return value.error();
  co_return value->has_value();
}

http::task<result<>> global_state::set(std::string table, std::string key, std::string value) {
  pb::operation operation;
  operation.set_kind(pb::operation::put);
  operation.set_key(tables::value(table, key));
  operation.set_value(std::move(value));
  co_return co_await commit(std::move(operation));
}

http::task<result<>> global_state::erase(std::string table, std::string key) {
  pb::operation operation;
  operation.set_kind(pb::operation::erase);
  operation.set_key(tables::value(table, key));
  co_return co_await commit(std::move(operation));
}

http::task<result<global_state::page>> global_state::scan(
  std::string table, std::string prefix, std::string start_after, std::uint32_t limit) {
  const auto base = tables::value(table, {});
  pb::list_request request;
  request.set_prefix(base + prefix);
  if (!start_after.empty()) request.set_start_after(base + start_after);
  request.set_limit(limit);
  request.set_trace(trace_.to_request());
  auto reply = co_await http::ask<wire<pb::list_reply>>(
    bridge_, metadata_, metadata_timeout, list_atom::value, wire<pb::list_request>{std::move(request)});
  if (!reply) co_return reply.error();
  page found;
  found.items.reserve(static_cast<std::size_t>((*reply)->entries_size()));
  for (const auto& e : (*reply)->entries()) found.items.emplace_back(e.key().substr(base.size()), e.value());
  found.truncated = (*reply)->truncated();
  co_return found;
}

http::task<result<std::vector<std::string>>> global_state::list_keys(
  std::string table, std::string prefix, std::uint32_t limit) {
  auto found = co_await scan(std::move(table), std::move(prefix), {}, limit);
  if (!found) co_return found.error();
  std::vector<std::string> keys;
  for (auto& [key, value] : found->items) keys.push_back(std::move(key));
  co_return keys;
}

} // namespace troupe::s3db
