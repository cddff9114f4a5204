// METADATA's commits: from the batches that wait to one entry of the log, and back from its outcome to the answers.

#include "actors/metadata_state.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace troupe {
namespace {

using waiting_commit = metadata_state::waiting_commit;

void answer(std::vector<waiting_commit>& commits, std::vector<metadata_machine::batch_outcome> outcomes) {
  for (std::size_t i = 0; i < commits.size(); ++i) {
    if (i >= outcomes.size())
      commits[i].answer(fail(ec::internal, "a batch without an outcome"));
    else if (!outcomes[i])
      commits[i].answer(std::move(outcomes[i]).error());
    else
      commits[i].answer(wire{std::move(*outcomes[i])});
  }
}

// The next entry: as many waiting batches as its bounds allow, at least one.
std::vector<waiting_commit> take_entry(metadata_state& s) {
  std::vector<waiting_commit> taken;
  std::size_t bytes = 0;
  while (!s.queue.empty() && taken.size() < s.options.entry_batches_max) {
    auto& next = s.queue.front();
    if (!taken.empty() && bytes + next.bytes > s.options.entry_bytes_max) break;
    bytes += next.bytes;
    s.queue_bytes -= next.bytes;
    taken.push_back(std::move(next));
    s.queue.pop_front();
  }
  return taken;
}

// A pb::log_entry, without copying every batch into one first.
std::string entry_of(std::uint64_t index, const std::vector<waiting_commit>& commits) {
  pb::log_entry head;
  head.set_index(index);
  auto bytes = head.SerializeAsString();
  constexpr std::uint32_t length_delimited = 2; // the wire type of a message
  {                                             // the streams write their last bytes when they end
    google::protobuf::io::StringOutputStream stream{&bytes};
    google::protobuf::io::CodedOutputStream out{&stream};
    for (auto& c : commits) {
      out.WriteTag(pb::log_entry::kBatchesFieldNumber << 3 | length_delimited);
      out.WriteVarint32(static_cast<std::uint32_t>(c.bytes));
      c.batch->SerializeWithCachedSizes(&out);
    }
  }
  return bytes;
}

} // namespace

void propose_waiting(metadata_pointer self, std::size_t entries_max) {
  auto& s = self->state;
  while (!s.queue.empty() && s.proposed < entries_max && s.host->leader() &&
    s.host->held_bytes() < s.options.held_bytes_max) {
    auto commits = std::make_shared<std::vector<waiting_commit>>(take_entry(s));
    auto accepted =
      s.host->propose(as_bytes(entry_of(s.host->last_index() + 1, *commits)), [&s, commits](const result<>& outcome) {
        --s.proposed;
        if (outcome)
          answer(*commits, s.replica->take_outcomes());
        else
          for (auto& c : *commits) c.answer(outcome.error());
      });
    if (accepted)
      ++s.proposed;
    else
      for (auto& c : *commits) c.answer(accepted.error());
  }
}

caf::result<wire<pb::batch_result>> commit(metadata_pointer self, const wire<pb::batch>& batch) {
  auto& s = self->state;
  if (refuses(s)) return to_caf(refusal(s));
  if (auto fine = metadata_machine::check(*batch); !fine) return to_caf(fine.error());
  if (led_elsewhere(s)) return to_caf(not_leader(s));
  auto bytes = batch->ByteSizeLong();
  if (s.queue.size() >= s.options.waiting_max || s.queue_bytes + bytes > s.options.waiting_bytes_max)
    return to_caf(fail(ec::slow_down, std::to_string(s.queue.size()) + " commits are waiting for the metadata log"));
  reply<wire<pb::batch_result>> answer{self};
  s.queue_bytes += bytes;
  s.queue.push_back(
    {.batch = batch, .bytes = bytes, .until = self->clock().now() + s.options.patience, .answer = answer});
  carry_out(self);
  return answer.later();
}

void refuse_commits(metadata_state& s, const error& why) {
  s.queue_bytes = 0;
  for (auto& c : std::exchange(s.queue, {})) c.answer(why);
}

void expire_commits(metadata_state& s, metadata_state::time_point now, const error& why) {
  while (!s.queue.empty() && s.queue.front().until <= now) {
    s.queue_bytes -= s.queue.front().bytes;
    s.queue.front().answer(why);
    s.queue.pop_front();
  }
}

} // namespace troupe
