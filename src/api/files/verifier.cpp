#include "api/files/verifier.hpp"

#include "api/http/tokens.hpp"
#include "base/log_limit.hpp"
#include "codec/text.hpp"
#include "core/log_verification.hpp"
#include "core/tables.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/json/object.hpp>
#include <spdlog/spdlog.h>

namespace troupe::files {

namespace {

using timer = http::asio::basic_waitable_timer<http::steady, http::asio::wait_traits<http::steady>, http::executor>;

constexpr int attempts_max = 4; // races lost against others that record

struct verification_row {
  std::optional<std::string> text; // as it was read
  pb::file_log_verification value;
};

http::task<verification_row> read_verification(log_access& c) {
  std::vector<std::string> keys;
  keys.push_back(tables::system_row("files-verification"));
  auto rows = co_await read_rows(c, std::move(keys));
  verification_row row{.text = std::move(rows[0]), .value = {}};
  if (row.text && !row.value.ParseFromString(*row.text)) row.value.Clear(); // then it is written anew
  co_return row;
}

// False: another process was quicker.
http::task<bool> write_verification(log_access& c, const verification_row& row) {
  const auto key = tables::system_row("files-verification");
  pb::batch batch;
  auto* same = batch.add_preconditions();
  same->set_key(key);
  same->set_kind(row.text ? pb::precondition::equals : pb::precondition::not_exists);
  if (row.text) same->set_digest(tables::digest_of(*row.text));
  auto* put = batch.add_operations();
  put->set_kind(pb::operation::put);
  put->set_key(key);
  put->set_value(row.value.SerializeAsString());
  co_return co_await commit(c, std::move(batch));
}

std::string first_of(const log_check& found) {
  if (!found.faults.empty()) return found.faults.front();
  if (found.differences.empty()) return {};
  const auto& d = found.differences.front();
  return "file " + d.file + " is " + name_of(d.kind);
}

void tell(const log_check& found, std::uint64_t took_ms) {
  const auto seconds = static_cast<double>(took_ms) / 1000;
  if (found.good())
    spdlog::info("files: the log was verified in {:.1f} s: {} entries in {} segments agree with {} files", seconds,
      found.entries, found.segments, found.files);
  else
    spdlog::error("files: the log was verified in {:.1f} s: {} faults of its own, {}{} files differ; first: {}. POST "
                  "/admin/wal/verify shows them all",
      seconds, found.faults.size(), found.differences.size(), found.more ? " or more" : "", first_of(found));
}

http::task<> wait(timer& t, std::chrono::milliseconds time) {
  t.expires_after(time);
  (void)co_await t.async_wait(http::tuple_task);
}

} // namespace

http::task<pb::file_log_verification> last_verification(log_access& c) {
  auto row = co_await read_verification(c);
  co_return std::move(row.value);
}

http::task<> record_verification(log_access& c, const std::string& node, const log_check& found, unix_ms begun) {
  const auto now = c.clock.now();
  const auto took_ms = static_cast<std::uint64_t>(std::max<unix_ms>(now - begun, 0));
  tell(found, took_ms);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto row = co_await read_verification(c);
    auto& v = row.value;
    v.set_finished_ms(now);
    v.set_took_ms(took_ms);
    v.set_segments(found.segments);
    v.set_entries(found.entries);
    v.set_files(found.files);
    v.set_faults(found.faults.size());
    v.set_differences(found.differences.size());
    v.set_more(found.more);
    v.set_first(first_of(found));
    v.set_by(node);
    if (co_await write_verification(c, row)) co_return;
  }
}

http::task<bool> verify_if_due(log_access& c, const surface_context& context) {
  auto row = co_await read_verification(c);
  const auto begun = c.clock.now();
  bool mine = verification_due(row.value, begun, context.files.verify_interval);
  if (mine) {
    row.value.set_node(context.node);
    row.value.set_begun_ms(begun);
    mine = co_await write_verification(c, row);
  }
  if (mine) {
    const auto found = co_await check_log(c);
    co_await record_verification(c, context.node, found, begun);
  }
  if (context.files.verified) {
    const auto last = co_await last_verification(c);
    if (last.finished_ms() != 0) context.files.verified(last);
  }
  co_return mine;
}

http::task<> verify_periodically(
  surface_context context, http::worker& io, object_store& store, http::actor_bridge& actors) {
  timer rests{io.context()};
  log_access c{store, actors, context.metadata, *context.clock};
  c.pace = [&rests](std::size_t rows) {
    return wait(rests, std::chrono::milliseconds{1000 * rows / verified_rows_per_second});
  };
  log_limit lines;
  for (;;) {
    co_await wait(rests, verification_look(context.files.verify_interval));
    std::string failed;
    try {
      co_await verify_if_due(c, context);
    } catch (const std::exception& e) { failed = e.what(); }
    if (!failed.empty() && lines.allow(http::steady::now()))
      spdlog::warn("files: the log could not be verified: {}: it is tried again", failed);
  }
}

boost::json::value to_json(const pb::file_log_verification& v) {
  if (v.finished_ms() == 0) return nullptr;
  boost::json::object out{{"at", format_iso8601(v.finished_ms())}, {"node", v.by()},
    {"valid", v.faults() == 0 && v.differences() == 0}, {"segments", v.segments()}, {"entries", v.entries()},
    {"files", v.files()}, {"faults", v.faults()}, {"differences", v.differences()}, {"more", v.more()},
    {"took_ms", v.took_ms()}};
  if (!v.first().empty()) out["first"] = v.first();
  return out;
}

} // namespace troupe::files
