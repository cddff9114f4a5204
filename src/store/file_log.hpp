// file_log: log on segment files. log_open.cpp finds out what is there, log_append.cpp writes and rotates,
// log_truncate.cpp forgets. Private to the store.
#pragma once

#include "store/log.hpp"
#include "store/log_format.hpp"
#include "store/segment_table.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

class segment_reader;
struct segment_identity;

class file_log final : public log {
public:
  file_log(disk&, log_options);
  ~file_log() override {
    if (active_) active_->detach(); // tickets and readers may outlive the log
  }

  result<> open(log_position from, const on_entry&);

  result<log_position> append(const log_record&, std::span<const bytes_view> payload) override;
  result<std::pair<log_record, chunk>> read(log_position) const override;
  log_sync prepare_sync() override;
  void synced(const log_sync&, const result<>& outcome) override;
  log_position end() const override { return {number_, end_}; }
  log_position durable() const override { return {number_, durable_}; }
  std::vector<log_segment_info> segments() const override { return table_.list(); }
  const std::vector<log_damage>& damage() const override { return damage_; }
  result<> remove_segment(std::uint64_t number) override;
  result<> truncate_from(log_position) override;
  result<> rotate() override;

private:
  // log_open.cpp
  result<std::vector<std::uint64_t>> list_closed() const;
  result<> open_closed(std::uint64_t number, log_position from, const on_entry&);
  result<> open_active_file(std::uint64_t last_closed, log_position from, const on_entry&);
  result<> adopt_active(
    segment_reader&, std::shared_ptr<disk_file>, const segment_identity&, log_position from, const on_entry&);
  result<> expect_end_after(log_position from);
  result<> report(std::uint64_t number, std::uint64_t bytes, std::string what); // at the front of a segment
  result<> start_unless_full(std::uint64_t number);

  // log_append.cpp
  struct found_record {
    std::shared_ptr<disk_file> file;
    log_format::header header;
  };
  result<found_record> find(log_position) const;
  result<> check_open() const;
  result<> poison(error);
  result<> write_own_record(log_format::mark, std::uint64_t offset);
  result<> undo_write(error why);
  result<> zeros_ahead();
  result<> close_active();
  result<> retire_active_file();
  result<> start_segment(std::uint64_t number);
  result<> make_active_file();
  result<> reuse_spare();
  result<std::shared_ptr<disk_file>> open_for_appends(const std::string& path, disk::open_mode);

  // log_truncate.cpp
  result<> set_segment_aside(std::uint64_t number);
  result<> reopen_closed(std::uint64_t number);

  disk& disk_;
  log_options options_;
  std::string active_path_;
  std::string closed_directory_;
  mutable segment_table table_;
  std::shared_ptr<sync_gate> gate_ = std::make_shared<sync_gate>();
  std::vector<log_damage> damage_;
  std::vector<std::string> spares_; // paths; under that name on the disk, and no other
  std::uint64_t generation_ = 0;    // of truncations: a sync ticket from before one proves nothing

  // The active segment. No file: the disk was full when it was to be made; append tries again.
  std::shared_ptr<disk_file> active_;
  std::uint64_t number_ = 0;
  std::uint64_t salt_ = 0;
  std::uint64_t end_ = log_format::header_bytes;
  std::uint64_t durable_ = log_format::header_bytes;
  std::uint64_t file_end_ = log_format::header_bytes; // >= end_: zeros in between, or what a segment before left
  std::uint64_t batch_bytes_ = 0;                     // between two syncs, on average over the last few
};

} // namespace troupe
