// admin_text: what the console says, as lines for people. Pure: JSON in (docs/ADMIN.md), lines out.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace troupe::cli {

std::vector<std::string> status_lines(const boost::json::object&);
std::vector<std::string> nodes_lines(const boost::json::object&);
std::vector<std::string> raft_lines(const boost::json::object&);
std::vector<std::string> where_lines(const boost::json::object&);
std::vector<std::string> actors_lines(const boost::json::object&);
std::vector<std::string> ring_lines(const boost::json::object&);
// One event of `watch`; empty for a heartbeat.
std::string event_line(const boost::json::object&);

// Those of them that are texts, with commas between.
std::string joined(const boost::json::array& words);

} // namespace troupe::cli
