// METADATA's reads: linearizable, without a log entry.
//
// The state may be read once it holds everything that was committed when the read began, by a member that still led after
// that (Raft dissertation 6.4; why it is safe: raft_network.cpp). A group of one: always. Else all reads that wait share
// one question to the other members; those that come meanwhile wait for the next. Only a leader that has not committed
// an entry of its term yet proves it with an entry.

#include "actors/metadata_state.hpp"

namespace troupe {
namespace {

constexpr std::size_t waiting_reads_max = 8192;

void end_reads(std::deque<metadata_state::waiting_read> reads, const result<>& readable) {
  for (auto& r : reads) r.go_on(readable);
}

// Ends with the last copy of the read; nothing when the request is not traced.
std::shared_ptr<open_span> span_of(metadata_pointer self, const std::string& trace, const char* name) {
  auto& tracing = self->state.options.tracing;
  if (!tracing || trace.empty()) return {};
  return std::make_shared<open_span>(tracing, std::string_view{trace}, name, span_kind::server);
}

template <class T>
caf::result<wire<T>> when_readable(metadata_pointer self, std::function<result<T>()> read) {
  auto& s = self->state;
  if (refuses(s)) return to_caf(refusal(s));
  if (s.host->leader() && s.host->alone()) {
    auto found = read();
    if (!found) return to_caf(found.error());
    return wire{std::move(*found)};
  }
  if (led_elsewhere(s)) return to_caf(not_leader(s));
  if (s.reads.size() >= waiting_reads_max)
    return to_caf(fail(ec::slow_down, std::to_string(s.reads.size()) + " reads are waiting for a metadata leader"));
  reply<wire<T>> answer{self};
  s.reads.push_back({self->clock().now() + s.options.patience, [answer, read](const result<>& readable) {
                       if (!readable) return answer(readable.error());
                       auto found = read();
                       if (found)
                         answer(wire{std::move(*found)});
                       else
                         answer(std::move(found).error());
                     }});
  carry_out(self);
  return answer.later();
}

} // namespace

caf::result<wire<pb::read_reply>> read(metadata_pointer self, const wire<pb::read_request>& request) {
  return when_readable<pb::read_reply>(
    self, [&r = self->state.replica, request, traced = span_of(self, request->trace(), "read rows")] {
      return r->read(*request);
    });
}

caf::result<wire<pb::list_reply>> list(metadata_pointer self, const wire<pb::list_request>& request) {
  return when_readable<pb::list_reply>(
    self, [&r = self->state.replica, request, traced = span_of(self, request->trace(), "list rows")] {
      return r->list(*request);
    });
}

void serve_reads(metadata_pointer self) {
  auto& s = self->state;
  if (s.reads.empty() || s.read_round || !s.host->leader()) return;
  auto round = std::make_shared<std::deque<metadata_state::waiting_read>>(std::exchange(s.reads, {}));
  if (s.host->alone()) return end_reads(std::move(*round), {});
  s.read_round = true;
  auto ended = [&s, round](const result<>& outcome) {
    s.read_round = false;
    end_reads(std::move(*round), outcome || outcome.error().code != ec::not_leader ? outcome : not_leader(s));
  };
  auto accepted = s.host->committed_in_term()
    ? s.host->confirm([ended](const result<std::uint64_t>& index) { ended(index ? result<>{} : index.error()); })
    : s.host->barrier(ended);
  if (!accepted) ended(accepted);
}

void refuse_reads(metadata_state& s, const error& why) { end_reads(std::exchange(s.reads, {}), why); }

void expire_reads(metadata_state& s, metadata_state::time_point now, const error& why) {
  while (!s.reads.empty() && s.reads.front().until <= now) {
    s.reads.front().go_on(why);
    s.reads.pop_front();
  }
}

} // namespace troupe
