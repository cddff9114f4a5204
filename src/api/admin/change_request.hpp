// change_request: what an operator's POST says, as messages for the actors. Pure: nothing is asked of anybody here.
// Errors are ec::bad_argument, for a person.
#pragma once

#include "base/error.hpp"
#include "raft.pb.h"
#include "troupe.pb.h"

#include <string>
#include <string_view>

namespace troupe::admin {

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
