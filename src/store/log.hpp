// log: an append-only log in segment files; the shard's data store, the Raft log, and the WAL of the files API.
// Layout, byte by byte: docs/DISK.md. Not thread safe, except read(), which may run beside everything else, and the
// tickets of prepare_sync(), which run anywhere.
//
// Damage: every record's header says how far its segment was known to be durable when it was appended. A bad record
// with no later record that vouches for it is a torn tail and is cut off on open. One that a later record vouches for
// is damage in the middle: it is reported with segment and offset, and skipped or refused as the options say.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "store/log_sync.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

class disk;
class entropy;

// What a record says about its payload; the log does not interpret any of it.
struct log_record {
  std::uint8_t type = 0; // 1..255, the user's
  data_id id;            // shard: the data_id; Raft: zero
  std::uint64_t n1 = 0;  // shard: stripe; Raft: index
  std::uint64_t n2 = 0;  // shard: piece; Raft: term
};

struct log_entry_view {
  log_position position;
  log_record record;
  std::uint32_t payload_bytes = 0;
  bytes_view payload; // verified; valid during the callback
};

struct log_damage {
  log_position position;
  std::uint64_t bytes = 0; // skipped
  std::string what;
};

struct log_options {
  std::string directory;                                 // wal.active and wal.segments/ are made in it
  std::uint64_t segment_bytes = std::uint64_t{64} << 20; // a segment is closed when it has reached this
  std::uint32_t payload_bytes_max = std::uint32_t{8} << 20;
  bool skip_damage = false; // false: open() fails with ec::corrupt on damage in the middle
  // Zeros are written this far ahead when little is appended between two syncs, so that most syncs need not write the
  // file's new size as well. 0: off.
  std::uint32_t zeros_ahead_bytes = std::uint32_t{256} << 10;
  // That many removed segments are kept as files that new ones are written over: making files and giving their blocks
  // back costs more than a sync, above all where the file system discards. For a log nobody reads removed segments of.
  std::uint32_t spare_segments = 0;
  bool direct = false;       // writes pass by the page cache (disk::open_direct)
  entropy* random = nullptr; // for the salt of each segment; nothing: the system's
};

struct log_segment_info {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
};

class log {
public:
  using on_entry = std::function<result<>(const log_entry_view&)>;

  // Opens or creates; replays every record at or after `from` in order, cuts a torn tail off (and syncs that).
  // Segments wholly before `from` are not read. A log that ends before `from` lost something: damage. `from` must be
  // the position of a record or an end(). The disk must outlive the log.
  static result<std::unique_ptr<log>> open(disk&, log_options, log_position from, const on_entry&);
  virtual ~log() = default;

  // Writes into the active segment (the page cache, or the file's window): durable only after a sync. Rotates when the segment is full.
  // After an error of a write or a sync the log refuses appends (ec::closed); ec::no_space leaves it usable and the
  // failed record invisible.
  virtual result<log_position> append(const log_record&, std::span<const bytes_view> payload) = 0;
  // The payload of the record at `position`, header and checksum verified, and the record itself.
  // ec::corrupt names segment and offset; ec::not_found when the segment is gone.
  virtual result<std::pair<log_record, chunk>> read(log_position) const = 0;

  // Group commit: prepare, run the ticket anywhere, then tell the outcome.
  virtual log_sync prepare_sync() = 0;
  virtual void synced(const log_sync&, const result<>& outcome) = 0;
  result<> sync(); // all three, here

  virtual log_position end() const = 0;                       // where the next record goes
  virtual log_position durable() const = 0;                   // everything before it is on disk
  virtual std::vector<log_segment_info> segments() const = 0; // ascending, the active one last
  virtual const std::vector<log_damage>& damage() const = 0;  // found on open
  virtual result<> remove_segment(std::uint64_t number) = 0;  // not the active one
  // Raft: forget every record at or after `position` (a follower's conflicting suffix). Durable on return.
  virtual result<> truncate_from(log_position) = 0;
  virtual result<> rotate() = 0;
};

} // namespace troupe
