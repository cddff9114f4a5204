// GET /admin/status: the cluster in one look.
#include "api/admin/call.hpp"
#include "api/admin/survey_json.hpp"
#include "core/tables.hpp"

namespace troupe::admin {

constexpr std::uint32_t repairs_counted_max = 1000;

http::task<std::optional<repair_count>> count_repairs(call& c) {
  pb::list_request what;
  what.set_prefix(std::string(1, tables::repairs));
  what.set_limit(repairs_counted_max);
  auto page = co_await http::ask<wire<pb::list_reply>>(
    c.actors, c.config.metadata, look_timeout, list_atom::value, wire<pb::list_request>{std::move(what)});
  if (!page) co_return std::nullopt; // the metadata group's own line says what is wrong with it
  co_return repair_count{.rows = static_cast<std::uint64_t>((*page)->entries_size()), .more = (*page)->truncated()};
}

http::task<std::optional<pb::healing_report>> healing_report(call& c) {
  pb::read_request what;
  what.add_keys(tables::system_row("healing"));
  auto found = co_await http::ask<wire<pb::read_reply>>(
    c.actors, c.config.metadata, look_timeout, read_atom::value, wire<pb::read_request>{std::move(what)});
  pb::healing_report report;
  if (!found || (*found)->rows_size() == 0 || !report.ParseFromString((*found)->rows(0).value()))
    co_return std::nullopt;
  co_return report;
}

http::task<> on_status(call& c) {
  auto all = co_await survey(c);
  auto repairs = co_await count_repairs(c);
  auto healing = co_await healing_report(c);
  co_await answer(c, status_json(*all, repairs, healing));
}

} // namespace troupe::admin
