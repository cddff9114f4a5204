// text_file: small files that people look after: configurations, keys, certificates. Plain paths of the real disk, whole
// contents. What the store itself keeps goes through disk.hpp.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

// ec::not_found, ec::io_error, or ec::too_large; the message begins with the path.
result<std::string> read_text_file(const std::string& path, std::uint64_t bytes_max);

// Whether others than its owner and its group may read it. No when that can not be found out.
bool is_readable_by_everybody(const std::string& path);

enum class readable_by : std::uint8_t { owner, everybody }; // mode 0600, 0644; the umask may take from it

// Makes a file that is not there yet: whole and durable, or not at all, and at no moment readable by more than `who`.
// ec::conflict when it is there: nothing is overwritten. One maker of a path in a process at a time.
result<> make_text_file(const std::string& path, std::string_view content, readable_by who);

} // namespace troupe
