// keys: values by key, as the handlers see them: which disk bucket a key is in now, put, get and take away. The routing
// table (the layout) is in memory; each look and each batch checks it against the row that the metadata group has, in the
// same step, so one that is out of date costs a second round and never a wrong answer.
#pragma once

#include "api/directory/rows.hpp"
#include "api/objects/object_store.hpp"

#include <mutex>
#include <optional>
#include <string>

namespace troupe::directory {

// One for all io threads.
class routing_table {
public:
  std::optional<directory_layout> get() const {
    std::lock_guard lock{mutex_};
    return layout_;
  }
  void set(const directory_layout& layout) {
    std::lock_guard lock{mutex_};
    layout_ = layout;
  }

private:
  mutable std::mutex mutex_;
  std::optional<directory_layout> layout_; // nothing before the first request
};

struct located_key {
  directory_layout layout;
  disk_bucket home;                 // where it belongs
  std::optional<disk_bucket> where; // where it is: home, or the home of the epoch before; nothing: there is none
  stored_object object;             // when it is somewhere
};

// For one request.
class keys {
public:
  keys(routing_table& table, rows r, object_store& store) : table_(table), rows_(std::move(r)), store_(store) {}

  // One look at one state.
  http::task<result<located_key>> find(std::string key);
  struct put_outcome {
    disk_bucket home;
    bool created = false;
  };
  http::task<result<put_outcome>> put(std::string key, std::string value);
  struct value_outcome {
    disk_bucket home;
    std::optional<std::string> value; // nothing: there is no such key
  };
  http::task<result<value_outcome>> get(std::string key);
  // The value that was there when the key was taken away.
  http::task<result<value_outcome>> remove(std::string key);

private:
  http::task<result<std::string>> read_value(const stored_object&);

  routing_table& table_;
  rows rows_;
  object_store& store_;
};

} // namespace troupe::directory
