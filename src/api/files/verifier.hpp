// verifier: the log of files held against the files once every files.verify_interval, by one process of the cluster at a time,
// and slowly. What was found is a row that every process shows (GET /admin/wal), a metric and a line in the log; nothing is
// changed.
#pragma once

#include "api/files/wal_check.hpp"
#include "api/http/worker.hpp"
#include "api/surface_context.hpp"
#include "files.pb.h"

#include <boost/json/value.hpp>

#include <chrono>

namespace troupe::files {

// Rows read in a second. A check in the background leaves the metadata group to others most of the time.
inline constexpr std::size_t verified_rows_per_second = 5'000;

// Goes on until its io thread ends. Throws nothing.
http::task<> verify_periodically(surface_context, http::worker&, object_store&, http::actor_bridge&);

// Its single step. True: it was due, and this process did it. Throws api_error.
http::task<bool> verify_if_due(log_access&, const surface_context&);
// What a check found that `node` began at `begun`, as the last word.
http::task<> record_verification(log_access&, const std::string& node, const log_check&, unix_ms begun);
http::task<pb::file_log_verification> last_verification(log_access&);
boost::json::value to_json(const pb::file_log_verification&); // null: none has ended yet

} // namespace troupe::files
