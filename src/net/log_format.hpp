// log_format: how a process writes its log: text for people, or a JSON object a line for machines; and how much of it.
#pragma once

#include <spdlog/common.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace spdlog {
class formatter;
}

namespace troupe {

// {"time":"2026-11-20T10:20:30.123Z","level":"info","message":"..."}; bytes that are not UTF-8 are shown as '?'.
std::unique_ptr<spdlog::formatter> json_log_formatter();

// debug, info, warn, error, off.
std::optional<spdlog::level::level_enum> parse_log_level(std::string_view);
std::string_view log_level_name(spdlog::level::level_enum);

} // namespace troupe
