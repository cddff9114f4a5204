// call: one request of the files surface, of somebody who may, on its way through the handler of its route.
#pragma once

#include "api/files/file_info.hpp"
#include "api/files/files.hpp"
#include "api/files/log_access.hpp"
#include "api/http/memory_bound.hpp"
#include "api/surface.hpp"
#include "api/surface_context.hpp"
#include "core/byte_cache.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::files {

namespace json = boost::json;

// What all requests of the surface share.
struct shared_state {
  explicit shared_state(surface_context c)
      : context(std::move(c)), cache(context.files.cache_bytes, cache_entry_bytes_max) {}

  static constexpr std::uint64_t cache_entry_bytes_max = std::uint64_t{1} << 20;
  static constexpr std::uint64_t whole_bytes_max = std::uint64_t{128} << 20;

  surface_context context;
  http::memory_bound memory{whole_bytes_max}; // of files that are held whole: to be compressed, or cached
  std::mutex cache_lock;
  byte_cache cache;
  std::atomic<bool> bucket_there{false};
  std::atomic<bool> replayed{false};          // the last segment was held against the files
  std::atomic<std::uint64_t> logged_bytes{0}; // since somebody looked whether segments can be collected
};

struct call : surface_call {
  call(const surface_call& c, shared_state& all)
      : surface_call(c),
        shared(all),
        store(all.context.store_of(rq)),
        actors(all.context.actors_of(rq)),
        data{store, actors, all.context.metadata, *all.context.clock, rq.trace} {}

  shared_state& shared;
  object_store& store;
  http::actor_bridge& actors;
  log_access data;

  const surface_context& context() const { return shared.context; }
  // ?name=, a number from min to max. ec::bad_argument.
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) const;
  // {id}. ec::no_such_key for what is no id.
  const std::string& file_id() const;
};

[[noreturn]] void throw_no_file(const std::string& id);
// The record of a file; ec::no_such_key.
http::task<stored_object> look_at(call&, std::string id, bool with_content);

http::task<> on_upload(call&);   // upload.cpp
http::task<> on_update(call&);   //
http::task<> on_download(call&); // download.cpp
http::task<> on_delete(call&);   // remove.cpp
http::task<> on_list(call&);     //
http::task<> on_replicas(call&); // replicas.cpp
http::task<> on_replica(call&);  //
http::task<> on_wal(call&);      // wal.cpp
http::task<> on_segment(call&);  //
http::task<> on_rotate(call&);   //
http::task<> on_verify(call&);   // replay.cpp
http::task<> on_replay(call&);   //
http::task<> on_health(call&);   //
http::task<> on_ready(call&);    //

// After a change: makes closed segments beyond those that are kept part of the base. Never throws.
http::task<> collect_segments(call&, std::uint64_t logged_bytes); // wal_base.cpp

} // namespace troupe::files
