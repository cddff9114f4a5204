// units: sizes and durations as people write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

// "512", "64k", "16MiB", "1.5G": K, M, G, T (with or without "iB") are powers of 1024; "kB", "MB" ... powers of 1000.
// Nothing for text that is not a size, a negative one, or one over 2^63.
std::optional<std::uint64_t> parse_size(std::string_view);
// "10" and "10s", "500ms", "2m", "1h". Nothing for other text and for more than 30 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view);

std::string human_bytes(std::uint64_t);            // "17 B", "1.5 KiB", "12.0 MiB"
std::string human_microseconds(std::uint64_t);     // "850 us", "1.20 ms", "2.50 s"
std::string human_countdown(std::chrono::seconds); // "0:07", "12:30", "1:02:03"

} // namespace troupe
