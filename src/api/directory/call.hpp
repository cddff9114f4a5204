// call: one request on its way through the handler of its route, and what all handlers do with it. Errors are answered as
// FastAPI does, which the clients of this API know: {"detail": ...}.
#pragma once

#include "api/directory/keys.hpp"
#include "api/http/failure.hpp"
#include "api/http/memory_bound.hpp"
#include "api/surface.hpp"
#include "api/surface_context.hpp"

#include <optional>
#include <string>

namespace troupe::directory {

namespace json = boost::json;

struct shared_state {
  static constexpr std::uint64_t value_memory_bytes_max = std::uint64_t{64} << 20;

  explicit shared_state(surface_context c) : context(std::move(c)) {}
  surface_context context;
  routing_table table;
  http::memory_bound memory{value_memory_bytes_max}; // values are whole in memory while they are looked at
};

struct call : surface_call {
  call(const surface_call&, shared_state&); // throws api_error for a foreign Host, and {id}s that are none

  shared_state& shared;
  std::optional<std::uint32_t> bucket; // of /buckets/{id}/...: one disk bucket is spoken to, as if it were a process

  rows make_rows() const {
    return {shared.context.actors_of(rq), shared.context.metadata, *shared.context.clock, rq.trace};
  }
  keys make_keys() const { return {shared.table, make_rows(), shared.context.store_of(rq)}; }
};

using http::must;

// 404 for a key: as the disk bucket says it, and as the directory repeats it.
http::task<> answer_no_key(call&, const std::string& key, std::uint32_t bucket);

http::task<> on_put(call&);           // put.cpp
http::task<> on_get(call&);           // get.cpp
http::task<> on_delete(call&);        //
http::task<> on_health(call&);        // buckets.cpp
http::task<> on_bucket_health(call&); //
http::task<> on_bucket_keys(call&);   //
http::task<> on_docs(call&);          // documents.cpp
http::task<> on_openapi(call&);       //

} // namespace troupe::directory
