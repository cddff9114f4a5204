// json_fields: what a JSON answer says, for printing. A field that is absent or of another type reads as nothing: a newer
// server may say less or more.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::cli {

std::string text_of(const boost::json::object&, const char* name); // also of a number
std::optional<std::int64_t> number_of(const boost::json::object&, const char* name);
bool is_true(const boost::json::object&, const char* name);
const boost::json::object& object_of(const boost::json::object&, const char* name); // empty when absent
const boost::json::object& as_object(const boost::json::value&);                    // empty when it is something else
const boost::json::array& array_of(const boost::json::object&, const char* name);   // empty when absent

// The count as text, and nothing when it is absent; the same as a size ("1.5 KiB").
std::string count_of(const boost::json::object&, const char* name);
std::string bytes_of(const boost::json::object&, const char* name);

} // namespace troupe::cli
