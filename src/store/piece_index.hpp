// piece_index: the rows of a shard's index, as bytes. Pure. Every row can be rebuilt from the log.
//
//   'p' data_id[16] stripe[8] piece[1]  -> segment[8] offset[8] bytes[4] oldest[8]   where a piece is
//   'o' segment[8] offset[8]            -> the 'p' row's key                         what lives in a segment, in order
//   'd' segment[8] offset[8]            -> data_id[16] oldest[8] newest[8]           a tombstone that is still needed
//   's' segment[8]                      -> live_bytes[8] pieces[8] tombstones[8]     as of the checkpoint
//
// Numbers are big-endian, so that rows sort by them.
#pragma once

#include "base/ids.hpp"
#include "store/log_sync.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

struct piece_key {
  data_id id;
  std::uint64_t stripe = 0;
  std::uint32_t piece = 0; // 0..piece_max
  friend auto operator<=>(const piece_key&, const piece_key&) = default;
};

namespace piece_index {

inline constexpr std::uint32_t piece_max = 255;

// The types of a shard's log records. Both name a data_id. A piece's n1 and n2 are its stripe and number; a tombstone's
// are the oldest and the newest segment that hold pieces it means.
enum record_type : std::uint8_t { piece_record = 1, tombstone_record = 2 };

struct place {
  log_position at;
  std::uint32_t bytes = 0;  // of the payload
  std::uint64_t oldest = 0; // no segment before this one holds a record of this piece
};

// Segments oldest..newest may hold records of the data_id: the tombstone is needed while one of them is there.
struct tombstone {
  data_id id;
  std::uint64_t oldest = 0, newest = 0;
};

struct segment_life {
  std::uint64_t live_bytes = 0; // of whole records
  std::uint64_t pieces = 0;
  std::uint64_t tombstones = 0;
  friend bool operator==(const segment_life&, const segment_life&) = default;
};

std::string piece_row(const piece_key&); // precondition: piece <= piece_max
std::string pieces_of(const data_id&);   // prefix
std::optional<piece_key> parse_piece_row(std::string_view);
std::string encode(const place&);
std::optional<place> parse_place(std::string_view);

std::string occupant_row(log_position);
std::string occupants_of(std::uint64_t segment); // prefix
std::string tombstone_row(log_position);
std::string tombstones_of(std::uint64_t segment);                 // prefix
std::optional<log_position> parse_position_row(std::string_view); // of either kind
std::string encode(const tombstone&);
std::optional<tombstone> parse_tombstone(std::string_view);

std::string life_row(std::uint64_t segment);
std::string all_lives();
std::optional<std::uint64_t> parse_life_row(std::string_view);
std::string encode(const segment_life&);
std::optional<segment_life> parse_life(std::string_view);

// The state's position: where the replay of the log begins.
std::string encode(log_position);
std::optional<log_position> parse_position(std::string_view);

} // namespace piece_index
} // namespace troupe
