// call: one request of s3db, of somebody who may, on its way through the handler of its route.
#pragma once

#include "api/http/ask.hpp"
#include "api/http/failure.hpp"
#include "api/http/memory_bound.hpp"
#include "api/s3db/global_state.hpp"
#include "api/surface.hpp"
#include "api/surface_context.hpp"

#include <string>
#include <string_view>

namespace troupe::s3db {

namespace json = boost::json;

inline constexpr std::string_view bucket_name = ".s3db"; // of policies; a key there is TABLE/KEY

struct shared_state {
  static constexpr std::uint64_t memory_bytes_max = std::uint64_t{128} << 20;

  explicit shared_state(surface_context c) : context(std::move(c)) {}
  surface_context context;
  http::memory_bound memory{memory_bytes_max};
};

struct call : surface_call {
  call(const surface_call& c, shared_state& all)
      : surface_call(c), context(all.context), memory(all.memory), actors(all.context.actors_of(rq)) {}

  const surface_context& context;
  http::memory_bound& memory;
  http::actor_bridge& actors;

  global_state state() const { return {actors, context.metadata, *context.clock, rq.trace}; }
};

using http::must;

// Answers 307 when the client asks for the leader (?consistency=leader) and this process does not have it. Whether it did.
http::task<bool> redirected(call&);

// What their routes ask of the caller: TABLE/KEY, or the names that a scan is of. rows.cpp
void may_read(const call&);
void may_write(const call&);
void may_delete(const call&);
void may_scan(const call&);

http::task<> on_put(call&);    // rows.cpp
http::task<> on_get(call&);    //
http::task<> on_delete(call&); //
http::task<> on_scan(call&);   //
http::task<> on_leader(call&); // group.cpp
http::task<> on_status(call&); //
http::task<> on_health(call&); //
http::task<> on_join(call&);   // join.cpp

} // namespace troupe::s3db
