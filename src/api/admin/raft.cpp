// GET /admin/raft: each metadata member's word of itself, and the group as its leader has it.
#include "api/admin/call.hpp"
#include "api/admin/survey_json.hpp"

namespace troupe::admin {

http::task<> on_raft(call& c) {
  auto all = co_await survey(c);
  co_await answer(c, raft_json(*all));
}

} // namespace troupe::admin
