// /admin/log: how much this process writes into its log, while it runs. Of this process alone.
#include "api/admin/call.hpp"
#include "net/log_format.hpp"

#include <spdlog/spdlog.h>

namespace troupe::admin {

namespace {

json::object level_json() { return {{"level", std::string{log_level_name(spdlog::get_level())}}}; }

} // namespace

http::task<> on_log(call& c) { co_await answer(c, level_json()); }

http::task<> on_set_log(call& c) {
  const auto* value = c.rq.target().q("level");
  const auto level = value == nullptr ? std::nullopt : parse_log_level(*value);
  if (!level) throw http::api_error{ec::bad_argument, "level is debug, info, warn, error or off"};
  spdlog::set_level(*level);
  if (*level != spdlog::level::off) spdlog::log(*level, "the log's level is {} now", *value);
  co_await answer(c, level_json());
}

} // namespace troupe::admin
