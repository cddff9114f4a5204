#include "api/files/log_access.hpp"

namespace troupe::files {

namespace {
constexpr std::chrono::seconds metadata_timeout{15};
}

http::task<std::vector<std::optional<std::string>>> read_rows(log_access& c, std::vector<std::string> keys) {
  pb::read_request what;
  for (const auto& key : keys) what.add_keys(key);
  what.set_trace(c.trace.to_request());
  auto outcome = co_await http::ask<wire<pb::read_reply>>(
    c.actors, c.metadata, metadata_timeout, read_atom::value, wire<pb::read_request>{std::move(what)});
  const auto reply = must(std::move(outcome));
  std::vector<std::optional<std::string>> rows(keys.size());
  int next = 0; // they come in the order asked
  for (std::size_t i = 0; i < keys.size() && next < reply->rows_size(); ++i)
    if (reply->rows(next).key() == keys[i]) rows[i] = reply->rows(next++).value();
  co_return rows;
}

http::task<pb::list_reply> list_rows(log_access& c, std::string prefix, std::string start_after, std::uint32_t limit) {
  pb::list_request what;
  what.set_prefix(std::move(prefix));
  what.set_start_after(std::move(start_after));
  what.set_limit(limit);
  what.set_trace(c.trace.to_request());
  auto outcome = co_await http::ask<wire<pb::list_reply>>(
    c.actors, c.metadata, metadata_timeout, list_atom::value, wire<pb::list_request>{std::move(what)});
  const auto reply = must(std::move(outcome));
  co_return *reply;
}

http::task<bool> commit(log_access& c, pb::batch batch) {
  batch.set_now_ms(c.clock.now());
  batch.set_trace(c.trace.to_request());
  auto outcome = co_await http::ask<wire<pb::batch_result>>(
    c.actors, c.metadata, metadata_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
  co_return must(std::move(outcome))->applied();
}

} // namespace troupe::files
