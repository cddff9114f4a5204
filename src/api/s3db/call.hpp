// call: one authenticated request of s3db on its way through the handler of its route.
#pragma once

#include "api/http/ask.hpp"
#include "api/http/failure.hpp"
#include "api/http/memory_bound.hpp"
#include "api/http/response.hpp"
#include "api/http/router.hpp"
#include "api/s3db/global_state.hpp"
#include "api/surface_context.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace troupe::s3db {

namespace json = boost::json;

struct call {
  const surface_context& context;
  http::memory_bound& memory;
  http::request& rq;
  http::response& rs;
  const http::path_parameters& parameters;
  http::actor_bridge& actors;
  std::string signed_hash; // of the body, hex; empty when the request needs no signature

  global_state state() const { return {actors, context.metadata, *context.clock}; }
  // Empty when it is not there.
  std::string_view query(std::string_view name) const {
    const auto* value = rq.target().q(name);
    return value == nullptr ? std::string_view{} : std::string_view{*value};
  }
};

template <class T>
T must(result<T> outcome) {
  if (!outcome) throw http::api_error{std::move(outcome).error()};
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

http::task<> answer(call&, int status, json::object);
// The body, compared with the hash that was signed. ec::too_large beyond bytes_max.
http::task<std::string> signed_body(call&, std::size_t bytes_max);

// Answers 307 when the client asks for the leader (?consistency=leader) and this process does not have it. Whether it did.
http::task<bool> redirected(call&);

http::task<> on_put(call&);    // rows.cpp
http::task<> on_get(call&);    //
http::task<> on_delete(call&); //
http::task<> on_scan(call&);   //
http::task<> on_leader(call&); // group.cpp
http::task<> on_status(call&); //
http::task<> on_health(call&); //
http::task<> on_join(call&);   // join.cpp

} // namespace troupe::s3db
