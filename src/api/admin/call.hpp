// call: one authenticated request on its way through the handler of its route, and what all handlers do with it.
#pragma once

#include "actors/survey.hpp"
#include "api/admin/admin.hpp"
#include "api/admin/healing_rows.hpp"
#include "api/http/ask.hpp"
#include "api/http/failure.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/http/router.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace troupe::admin {

namespace json = boost::json;

struct call {
  const admin::config& config;
  http::request& rq;
  http::response& rs;
  const http::path_parameters& parameters;
  http::actor_bridge& actors;
  std::string body; // whole, as it was signed
};

// How long the actors may take: a little more than they give each other.
inline constexpr std::chrono::seconds look_timeout{10};
inline constexpr std::chrono::seconds change_timeout{30};

using http::must;

using handler = http::task<> (*)(call&);
struct route {
  const char* method;
  const char* pattern;
  const char* operation; // in the access log
  handler handle;
};

http::task<> answer(call&, json::object);

// Every node's and member's word of itself.
http::task<std::shared_ptr<const cluster_survey>> survey(call&);

// What those who heal said last; nothing: nobody has yet, or the metadata group does not answer.
http::task<std::optional<pb::healing_report>> healing_report(call&);
// Every process's word of something: which field is filled, the request says.
template <class... Ts>
http::task<std::shared_ptr<const process_answers>> ask_everyone(call& c, Ts... what) {
  auto found =
    co_await http::ask<everyones_answers>(c.actors, c.config.surveyor, look_timeout, everyone_atom::value, what...);
  co_return must(std::move(found)).answers;
}

// The query's; empty when it is not there. Of needed_parameter: ec::bad_argument then.
std::string parameter(const call& c, std::string_view name);
std::string needed_parameter(const call& c, std::string_view name);

http::task<std::optional<repair_count>> count_repairs(call&); // status.cpp

http::task<> on_status(call&);           // status.cpp
http::task<> on_nodes(call&);            // nodes.cpp
http::task<> on_raft(call&);             // raft.cpp
http::task<> on_where(call&);            // where.cpp
http::task<> on_drain(call&);            // changes.cpp
http::task<> on_undrain(call&);          //
http::task<> on_remove(call&);           //
http::task<> on_weight(call&);           //
http::task<> on_join(call&);             //
http::task<> on_change_members(call&);   // members.cpp
http::task<> on_directory(call&);        // directory.cpp
http::task<> on_resize_directory(call&); //
http::task<> on_bucket(call&);           // buckets.cpp
http::task<> on_set_bucket(call&);       //
http::task<> on_faults(call&);           // faults.cpp
http::task<> on_set_fault(call&);        //
http::task<> on_clear_faults(call&);     //
http::task<> on_log(call&);              // log.cpp
http::task<> on_set_log(call&);          //
http::task<> on_actors(call&);           // actors.cpp
http::task<> on_ring(call&);             // ring.cpp
http::task<> on_events(call&);           // events.cpp
http::task<> on_healing(call&);          // healing.cpp
http::task<> on_rebalance(call&);        //
http::task<> on_repair(call&);           //
http::task<> on_volumes(call&);          // volumes.cpp
http::task<> on_snapshots(call&);        //
http::task<> on_make_snapshot(call&);    //
http::task<> on_remove_snapshot(call&);  //
http::task<> on_restore_snapshot(call&); //
http::task<> on_grow_volume(call&);      //

} // namespace troupe::admin
