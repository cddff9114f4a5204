// call: one request of somebody who may, on its way through the handler of its route, and what all handlers do with it.
#pragma once

#include "api/http/failure.hpp"
#include "api/objects/object_store.hpp"
#include "api/storage/storage.hpp"
#include "api/surface.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace troupe::storage {

namespace json = boost::json;

inline constexpr std::uint64_t object_bytes_max = std::uint64_t{5} << 30;
inline constexpr std::uint32_t entries_max = 1000; // of a page of a listing

struct call : surface_call {
  call(const surface_call& c, const storage::config& all)
      : surface_call(c), config(all), store(all.context.store_of(rq)) {}

  const storage::config& config;
  object_store& store;

  std::string bucket() const; // checked: ec::invalid_bucket_name
  std::string key() const;    // checked
};

using http::must;

// {"data": ..., "meta": {"request_id", "timestamp", and what `more` has}}
http::task<> answer_data(call&, int status, json::value data, json::object more);
http::task<> answer_data(call&, int status, json::value data);
http::task<> answer_nothing(call&); // 204

json::object bucket_json(const std::string& name, const pb::bucket_record&);
json::object object_json(const std::string& bucket, const std::string& key, const pb::object_record&);

http::task<> on_list_buckets(call&);   // buckets.cpp
http::task<> on_create_bucket(call&);  //
http::task<> on_post_bucket(call&);    //
http::task<> on_get_bucket(call&);     //
http::task<> on_delete_bucket(call&);  //
http::task<> on_put_object(call&);     // objects.cpp
http::task<> on_get_object(call&);     //
http::task<> on_delete_object(call&);  //
http::task<> on_list_objects(call&);   // listing.cpp
http::task<> on_cluster_status(call&); // cluster.cpp

} // namespace troupe::storage
