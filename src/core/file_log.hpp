// file_log: the write-ahead log of files as rows of the metadata tables: what an append makes of the rows, how an entry is
// checked, and what a run of entries says of each file. Pure. docs/FILES.md, "The log".
// An entry is written by the batch that carries out its operation, so the two cannot disagree; it gets its number, its
// place and its checksum where the batch is applied, the same on every member, so writers never race for a place.
#pragma once

#include "base/error.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe {

class state;

namespace file_log {

inline constexpr std::uint64_t segment_bytes_min = std::uint64_t{4} << 10;
inline constexpr std::uint64_t segment_bytes_max = std::uint64_t{4}
  << 20; // a segment is collected by one batch of 8 MiB
inline constexpr std::size_t file_id_bytes_max = 64;
inline constexpr std::size_t data_bytes_max = std::size_t{256} << 10;

// SHA-256 over everything in the entry but the checksum itself.
std::string checksum_of(const pb::file_log_entry&);
// ec::corrupt, naming the entry: its checksum is not that of its fields.
result<> check(const pb::file_log_entry&);

// What an append must look like (ec::bad_argument, ec::too_large).
result<> check_append(const std::string& key, const std::string& value);
// Carries a checked append out: places the entry, after it has closed a segment that is full. ec::corrupt: the row of the
// active segment does not parse.
result<> append(state& rows, const std::string& value);

pb::file_log_segment first_segment(std::int64_t now_ms);
// The segment after one that is closed now.
pb::file_log_segment after(pb::file_log_segment& closed, std::int64_t now_ms);

// What a batch logs of a file that it makes or changes.
pb::file_log_entry entry_of(pb::file_log_entry::operations, const std::string& file_id, const pb::object_record&);
// The operation that a batch carries.
pb::operation append_operation(pb::file_log_entry, std::uint64_t segment_bytes);

// Entries read in order: whether they follow each other, and what they say of each file in the end.
class reader {
public:
  // From which checksum on the chain goes, and the id that comes first.
  reader(std::string previous, std::uint64_t first_id) : previous_(std::move(previous)), next_id_(first_id) {}

  // Every fault of the entry is kept (a bounded number of them); its operation counts all the same.
  void add(const pb::file_log_entry&);
  // The last word about every file that an entry was about; it may be that it was deleted.
  const std::map<std::string, pb::file_log_entry>& files() const { return files_; }
  std::map<std::string, pb::file_log_entry>& files() { return files_; }
  std::uint64_t entries() const { return entries_; }
  const std::vector<std::string>& faults() const { return faults_; }
  const std::string& previous() const { return previous_; }
  std::uint64_t next_id() const { return next_id_; }

  static constexpr std::size_t faults_max = 100;

private:
  void fault(std::string);
  std::string previous_;
  std::uint64_t next_id_, entries_ = 0;
  std::map<std::string, pb::file_log_entry> files_;
  std::vector<std::string> faults_;
};

} // namespace file_log
} // namespace troupe
