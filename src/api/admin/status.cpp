// GET /admin/status: the cluster in one look.
#include "api/admin/call.hpp"
#include "api/admin/survey_json.hpp"

namespace troupe::admin {

http::task<std::optional<repair_count>> count_repairs(call& c) {
  return count_repairs(c.actors, c.config.metadata, look_timeout); // without it the group's own line says what is wrong
}

http::task<std::optional<pb::healing_report>> healing_report(call& c) {
  return healing_report(c.actors, c.config.metadata, look_timeout);
}

http::task<> on_status(call& c) {
  auto all = co_await survey(c);
  auto repairs = co_await count_repairs(c);
  auto healing = co_await healing_report(c);
  co_await answer(c, status_json(*all, repairs, healing));
}

} // namespace troupe::admin
