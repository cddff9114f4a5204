// change_request: what an operator's POST says, as messages for the actors. Pure: nothing is asked of anybody here.
// Errors are ec::bad_argument, for a person.
#pragma once

#include "base/error.hpp"
#include "raft.pb.h"
#include "troupe.pb.h"

#include <boost/json/object.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace troupe::admin {

// The JSON object that a body is, with no other fields than these. ec::bad_argument names what is wrong.
result<boost::json::object> object_in(std::string_view json_text, std::initializer_list<std::string_view> known);
// A field of it that must be a text if it is there.
result<std::string> text_of(const boost::json::object&, const char* name);

// {"id": "node-6", "address": "10.0.0.6:9101", "zone": "", "weight": 1, "roles": ["storage", "metadata", "coordinator"]}
// Only id and address are needed; without roles it has all three.
result<pb::map_change> join_request(std::string_view json_text);

struct members_request {
  pb::member_change::kinds kind = pb::member_change::unknown;
  std::string node; // empty: of a transfer, whoever the leader chooses
};
// {"kind": "add", "remove" or "transfer", "node": "node-4"}
result<members_request> parse_members_request(std::string_view json_text);

// 0 to 100, decimal.
result<std::uint32_t> parse_weight(std::string_view);
// "true", "1" or nothing: yes; "false" or "0": no.
result<bool> parse_flag(std::string_view);

} // namespace troupe::admin
