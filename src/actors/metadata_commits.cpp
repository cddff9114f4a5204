// METADATA's commits: from the batches that wait to one entry of the log, and back from its outcome to the answers.

#include "actors/metadata_state.hpp"
#include "core/latency_histogram.hpp"

namespace troupe {
namespace {

using waiting_commit = metadata_state::waiting_commit;
using proposed_entry = metadata_state::proposed_entry;

// So many at a time: those who asked go on while the rest of the entry is applied, and are not woken for each.
constexpr std::size_t told_together = 16;

void refuse(waiting_commit& c, const error& why) {
  c.traced.failed(why.message);
  c.traced.end();
  c.answer(why);
}

void tell(proposed_entry& e) {
  for (; e.told < e.outcomes.size() && e.told < e.commits.size(); ++e.told) {
    auto& o = e.outcomes[e.told];
    auto& c = e.commits[e.told];
    if (!o) {
      refuse(c, std::move(o).error());
      continue;
    }
    c.traced.set("troupe.applied", std::uint64_t{o->applied()});
    c.traced.end();
    c.answer(wire{std::move(*o)});
  }
}

void measure(metadata_pointer self, const std::vector<waiting_commit>& commits) {
  auto& o = self->state.options;
  if (!o.latencies) return;
  auto now = self->clock().now();
  for (auto& c : commits) o.latencies->commit.observe(now - (c.until - o.patience));
}

// The next entry: as many waiting batches as its bounds allow, at least one.
std::shared_ptr<proposed_entry> take_entry(metadata_state& s) {
  auto taken = std::make_shared<proposed_entry>();
  taken->index = s.host->last_index() + 1;
  taken->term = s.host->term();
  taken->entry.set_index(taken->index);
  std::size_t bytes = 0;
  auto batches_max =
    std::min<std::size_t>(s.options.entry_batches_max, s.pacing.take(s.queue.size(), s.proposed_commits));
  while (!s.queue.empty() && taken->commits.size() < batches_max) {
    auto& next = s.queue.front();
    if (!taken->commits.empty() && bytes + next.bytes > s.options.entry_bytes_max) break;
    bytes += next.bytes;
    s.queue_bytes -= next.bytes;
    *taken->entry.add_batches() = next.batch.take();
    taken->commits.push_back(std::move(next));
    s.queue.pop_front();
  }
  taken->outcomes.reserve(taken->commits.size());
  return taken;
}

void forget(metadata_state& s, const std::shared_ptr<proposed_entry>& e) {
  if (std::erase(s.proposed, e) != 0) s.proposed_commits -= e->commits.size();
}

} // namespace

void propose_waiting(metadata_pointer self, std::size_t entries_max) {
  auto& s = self->state;
  while (!s.queue.empty() && s.proposed.size() < entries_max && s.host->leader() &&
    s.host->held_bytes() < s.options.held_bytes_max) {
    auto taken = take_entry(s);
    s.proposed.push_back(taken);
    s.proposed_commits += taken->commits.size();
    auto write = [&](bytes_span out) {
      taken->entry.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data()));
    };
    auto accepted = s.host->propose(taken->entry.ByteSizeLong(), write, [self, taken](const result<>& done) {
      forget(self->state, taken);
      if (done) measure(self, taken->commits);
      tell(*taken);
      for (auto& i = taken->told; i < taken->commits.size(); ++i)
        refuse(taken->commits[i], done ? fail(ec::internal, "a batch without an outcome") : done.error());
    });
    if (accepted) continue;
    forget(s, taken);
    for (auto& c : taken->commits) refuse(c, accepted.error());
  }
}

proposed_entry* proposed_at(metadata_state& s, std::uint64_t index) {
  if (s.proposed.empty() || !s.host->leader()) return nullptr;
  auto& first = *s.proposed.front();
  return first.index == index && first.term == s.host->term() ? &first : nullptr;
}

void note_outcome(proposed_entry& e, metadata_machine::batch_outcome outcome) {
  e.outcomes.push_back(std::move(outcome));
  if (e.outcomes.size() - e.told >= told_together) tell(e);
}

// What is written down does not say whose trace it belonged to.
wire<pb::batch> without_trace(const wire<pb::batch>& batch) {
  if (batch->trace().empty()) return batch;
  auto plain = *batch;
  plain.clear_trace();
  return wire<pb::batch>{std::move(plain)};
}

caf::result<wire<pb::batch_result>> commit(metadata_pointer self, const wire<pb::batch>& asked) {
  auto& s = self->state;
  open_span traced{s.options.tracing, asked->trace(), "commit", span_kind::server};
  traced.set("troupe.operations", static_cast<std::uint64_t>(asked->operations_size()));
  const auto batch = without_trace(asked);
  const auto refused = [&](const error& why) {
    traced.failed(why.message);
    return to_caf(why);
  };
  if (refuses(s)) return refused(refusal(s));
  if (auto fine = metadata_machine::check(*batch); !fine) return refused(fine.error());
  if (led_elsewhere(s)) return refused(not_leader(s));
  auto bytes = batch->ByteSizeLong();
  if (s.queue.size() >= s.options.waiting_max || s.queue_bytes + bytes > s.options.waiting_bytes_max)
    return refused(fail(ec::slow_down, std::to_string(s.queue.size()) + " commits are waiting for the metadata log"));
  reply<wire<pb::batch_result>> answer{self};
  s.queue_bytes += bytes;
  s.queue.push_back({.batch = batch,
    .bytes = bytes,
    .until = self->clock().now() + s.options.patience,
    .answer = answer,
    .traced = std::move(traced)});
  carry_out_soon(self);
  return answer.later();
}

void refuse_commits(metadata_state& s, const error& why) {
  s.queue_bytes = 0;
  for (auto& c : std::exchange(s.queue, {})) refuse(c, why);
}

void expire_commits(metadata_state& s, metadata_state::time_point now, const error& why) {
  while (!s.queue.empty() && s.queue.front().until <= now) {
    s.queue_bytes -= s.queue.front().bytes;
    refuse(s.queue.front(), why);
    s.queue.pop_front();
  }
}

} // namespace troupe
