// call: one authenticated request on its way through the handler of its route, and what all handlers do with it.
#pragma once

#include "api/access.hpp"
#include "api/http/failure.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/http/router.hpp"
#include "api/objects/object_store.hpp"
#include "api/storage/storage.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace troupe::storage {

namespace json = boost::json;

inline constexpr std::uint64_t object_bytes_max = std::uint64_t{5} << 30;
inline constexpr std::uint32_t entries_max = 1000; // of a page of a listing

struct call {
  const storage::config& config;
  http::request& rq;
  http::response& rs;
  const http::path_parameters& parameters;
  object_store& store;
  std::string signed_sha256; // of the body, in hex; empty: open

  std::string bucket() const; // checked: ec::invalid_bucket_name
  std::string key() const;    // checked
};

template <class T>
T must(result<T> outcome) {
  if (!outcome) throw http::api_error{std::move(outcome).error()};
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

// {"data": ..., "meta": {"request_id", "timestamp", and what `more` has}}
http::task<> answer(call&, int status, json::value data, json::object more);
http::task<> answer(call&, int status, json::value data);
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
