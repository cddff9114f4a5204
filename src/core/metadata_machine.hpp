// metadata_machine: what a committed Raft entry does to the metadata tables. Pure and deterministic: the same entries
// applied to the same state give the same rows and the same results on every member, today and after a replay.
// It knows batches and rows; what the rows mean is the business of the layers that write them.
#pragma once

#include "base/error.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace troupe {

class state;

class metadata_machine {
public:
  static constexpr std::size_t batch_bytes_max = std::size_t{8} << 20;
  static constexpr int operations_max = 32768;          // and as many preconditions
  static constexpr std::size_t key_bytes_max = 2048;    // as the state below
  static constexpr std::size_t rows_erased_max = 65536; // by the prefixes of one batch
  static constexpr int keys_read_max = 10000;
  static constexpr std::size_t read_bytes_max = std::size_t{12} << 20; // of a reply; a message holds 16 MiB

  explicit metadata_machine(state& rows) : rows_(rows) {}

  // Refuses what no member would apply (ec::bad_argument, ec::too_large); proposers call it before they propose.
  static result<> check(const pb::batch&);

  // A batch that was refused is an error of its own and changed nothing. Its neighbours in the entry are not affected.
  using batch_outcome = result<pb::batch_result>;
  // The batches of an entry, one after the other, each one's outcome told as soon as it is applied. The error that is
  // returned (ec::io_error, ec::corrupt) is fatal: the state may hold half a batch, so its owner must drop it and replay
  // from the last checkpoint.
  using outcome_sink = std::function<void(batch_outcome)>;
  result<> apply(pb::log_entry, std::uint64_t index, const outcome_sink&);
  result<std::vector<batch_outcome>> apply(pb::log_entry, std::uint64_t index); // all of them at the end

  result<pb::read_reply> read(const pb::read_request&) const;
  result<pb::list_reply> list(const pb::list_request&) const;

private:
  struct entry_progress; // the entry's index and how many rows it has moved to garbage
  result<> apply(pb::batch&, entry_progress&, const outcome_sink&);
  result<bool> holds(const pb::precondition&) const;
  result<bool> prefix_in_use(const std::string& prefix) const;
  result<std::vector<std::string>> keys_below(const std::string& prefix, std::size_t keys_max) const;
  result<bool> erases_too_much(const pb::batch&) const;
  result<> carry_out(pb::operation&, std::int64_t now_ms, entry_progress&);
  result<> collect(const std::string& key, std::int64_t now_ms, entry_progress&);

  state& rows_;
};

} // namespace troupe
