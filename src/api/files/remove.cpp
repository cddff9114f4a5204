// DELETE /files/{id}, GET /files.
#include "api/files/call.hpp"
#include "core/file_log.hpp"

#include <boost/json/array.hpp>

namespace troupe::files {

http::task<> on_delete(call& c) {
  const auto& id = c.file_id();
  pb::file_log_entry entry;
  entry.set_operation(pb::file_log_entry::remove);
  entry.set_file_id(id);
  entry.set_timestamp_ms(c.context().clock->now());
  const auto logged = entry.ByteSizeLong();
  std::vector<pb::operation> beside;
  beside.push_back(file_log::append_operation(std::move(entry), c.context().files.segment_bytes));
  object_conditions there;
  there.if_match = "*";
  auto done = co_await c.store.remove(std::string{bucket_name}, id, std::move(there), std::move(beside));
  if (!done && (done.error().code == ec::no_such_key || done.error().code == ec::no_such_bucket)) throw_no_file(id);
  must(std::move(done));
  {
    const std::lock_guard lock{c.shared.cache_lock};
    c.shared.cache.erase(id);
  }
  c.rs.status = 204;
  co_await c.rs.send();
  co_await collect_segments(c, logged);
}

// ?limit= (100; at most 1000), ?after=: the id that the page before ended with.
http::task<> on_list(call& c) {
  list_objects what;
  what.bucket = bucket_name;
  what.limit = static_cast<std::uint32_t>(c.number("limit", 100, 1, 1000));
  what.start_after = c.query("after");
  auto found = co_await c.store.list(std::move(what));
  listing page;
  if (found || found.error().code != ec::no_such_bucket)
    page = must(std::move(found)); // without it there are no files yet
  json::array files;
  for (const auto& e : page.entries) files.push_back(to_json(info_of(e.key, e.record)));
  json::object out{{"files", std::move(files)}, {"truncated", page.truncated}};
  if (page.truncated) out["next"] = page.last;
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::files
