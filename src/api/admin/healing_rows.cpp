#include "api/admin/healing_rows.hpp"

#include "api/http/ask.hpp"
#include "core/tables.hpp"

namespace troupe::admin {

namespace {
constexpr std::uint32_t repairs_counted_max = 1000;
}

http::task<std::optional<repair_count>> count_repairs(
  http::actor_bridge& actors, const metadata_actor& metadata, std::chrono::milliseconds timeout) {
  pb::list_request what;
  what.set_prefix(std::string(1, tables::repairs));
  what.set_limit(repairs_counted_max);
  auto page = co_await http::ask<wire<pb::list_reply>>(
    actors, metadata, timeout, list_atom::value, wire<pb::list_request>{std::move(what)});
  if (!page) co_return std::nullopt;
  co_return repair_count{.rows = static_cast<std::uint64_t>((*page)->entries_size()), .more = (*page)->truncated()};
}

http::task<std::optional<pb::healing_report>> healing_report(
  http::actor_bridge& actors, const metadata_actor& metadata, std::chrono::milliseconds timeout) {
  pb::read_request what;
  what.add_keys(tables::system_row("healing"));
  auto found = co_await http::ask<wire<pb::read_reply>>(
    actors, metadata, timeout, read_atom::value, wire<pb::read_request>{std::move(what)});
  pb::healing_report report;
  if (!found || (*found)->rows_size() == 0 || !report.ParseFromString((*found)->rows(0).value()))
    co_return std::nullopt;
  co_return report;
}

} // namespace troupe::admin
