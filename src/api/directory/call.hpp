// call: one request on its way through the handler of its route, and what all handlers do with it. Errors are answered as
// FastAPI does, which the clients of this API know: {"detail": ...}.
#pragma once

#include "api/access.hpp"
#include "api/directory/keys.hpp"
#include "api/http/failure.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/http/router.hpp"
#include "api/surface_context.hpp"

#include <boost/json/object.hpp>

#include <atomic>
#include <optional>
#include <string>

namespace troupe::directory {

namespace json = boost::json;

// Values are whole in memory while they are looked at: as many bytes of them as this, all requests together; one more is
// answered 503.
class memory_bound {
public:
  static constexpr std::size_t bytes_max = std::size_t{64} << 20;
  class hold {
  public:
    hold(memory_bound& owner, std::size_t bytes) : owner_(owner), bytes_(bytes) {
      if (owner_.held_.fetch_add(bytes_) + bytes_ > bytes_max) {
        owner_.held_ -= bytes_;
        throw http::api_error{ec::slow_down, "too many large values at a time: try again"};
      }
    }
    ~hold() { owner_.held_ -= bytes_; }
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;

  private:
    memory_bound& owner_;
    std::size_t bytes_;
  };

private:
  std::atomic<std::size_t> held_{0};
};

struct shared_state {
  surface_context context;
  access signatures;
  routing_table table;
  memory_bound memory;
};

struct call {
  shared_state& shared;
  http::request& rq;
  http::response& rs;
  const http::path_parameters& parameters;
  std::string signed_sha256;             // of the body; empty: open
  std::optional<std::uint32_t> bucket{}; // of /buckets/{id}/...: one disk bucket is spoken to, as if it were a process

  rows make_rows() const { return {shared.context.actors_of(rq), shared.context.metadata, *shared.context.clock}; }
  keys make_keys() const { return {shared.table, make_rows(), shared.context.store_of(rq)}; }
};

template <class T>
T must(result<T> outcome) {
  if (!outcome) throw http::api_error{std::move(outcome).error()};
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

http::task<> answer(call&, int status, json::object what);
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
