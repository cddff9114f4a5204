// wal_rows: the rows of the log of files, read for whoever looks at it.
#pragma once

#include "api/files/file_info.hpp"
#include "api/files/files.hpp"
#include "api/files/log_access.hpp"
#include "core/file_log.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::files {

struct wal_segments {
  std::vector<pb::file_log_segment> closed; // the oldest first
  pb::file_log_segment active;
  // The oldest that is there: where the chain begins.
  const pb::file_log_segment& first() const { return closed.empty() ? active : closed.front(); }
};
// ec::corrupt: a row does not parse.
http::task<wal_segments> segments_of(log_access&);

// Entries in order, a page at a time.
class wal_cursor {
public:
  // Of one segment, behind a position; or of all of them.
  explicit wal_cursor(log_access& c) : c_(c) {}
  wal_cursor(log_access& c, std::uint64_t segment, std::optional<std::uint64_t> after);

  // Empty when there are no more now; asked again it gives what has come since.
  http::task<std::vector<pb::file_log_entry>> next(std::uint32_t limit = 1000);
  const std::vector<std::string>& faults() const { return faults_; } // rows that do not parse

private:
  log_access& c_;
  std::optional<std::uint64_t> segment_;
  std::string after_;
  std::vector<std::string> faults_;
};

// Rows of a prefix in order, one at a time: two walks can be merged.
class row_walk {
public:
  row_walk(log_access& c, std::string prefix) : c_(c), prefix_(std::move(prefix)) {}
  // Nothing after the last one. Keys without the prefix.
  http::task<std::optional<std::pair<std::string, std::string>>> next();

private:
  log_access& c_;
  std::string prefix_, after_;
  std::deque<std::pair<std::string, std::string>> page_;
  bool last_page_ = false;
};

boost::json::object to_json(const pb::file_log_segment&, bool active);
boost::json::object to_json(const pb::file_log_entry&);
const char* name_of(pb::file_log_entry::operations);

} // namespace troupe::files
