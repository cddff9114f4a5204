// metadata_state: what the files of METADATA share: its state, and what one of them asks of another. Private to them.
#pragma once

#include "actors/metadata.hpp"
#include "actors/reply.hpp"

#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <utility>

namespace troupe {

using ticking_metadata = metadata_actor::extend<caf::reacts_to<tick_atom>>;

struct metadata_state {
  using time_point = caf::actor_clock::time_point;

  struct waiting_commit {
    wire<pb::batch> batch;
    std::size_t bytes = 0;
    time_point until;
    reply<wire<pb::batch_result>> answer;
  };
  struct waiting_read {
    time_point until;
    std::function<void(const result<>& readable)> go_on;
  };

  metadata_state() = default;
  static inline const char* name = "metadata";
  metadata_options options;
  std::deque<waiting_commit> queue; // not proposed yet
  std::size_t queue_bytes = 0;
  std::size_t proposed = 0; // entries on their way
  std::deque<waiting_read> reads;
  bool read_round = false; // a proof of leadership for earlier reads is on its way
  std::vector<std::pair<std::uint64_t, reply<>>> promotions; // of members that were added just now
  bool stopping = false;
  time_point stop_by; // whatever is still in flight then
  bool handing_over = false, handed_over = false;
  bool failure_told = false;
  time_point checkpoint_again_at;
  std::unique_ptr<metadata_replica> replica;
  std::unique_ptr<raft_host> host; // last: its end answers what is in flight
};

using metadata_pointer = ticking_metadata::stateful_pointer<metadata_state>;

// metadata.cpp
void carry_out(metadata_pointer); // whatever has become possible
error refusal(const metadata_state&);
inline bool refuses(const metadata_state& s) { return s.stopping || s.host->failure(); }
// Somebody else leads, and it is known who.
bool led_elsewhere(const metadata_state&);
error not_leader(const metadata_state&);

// metadata_commits.cpp
caf::result<wire<pb::batch_result>> commit(metadata_pointer, const wire<pb::batch>&);
// An entry gathers what has come while the one before it was written: the next one is proposed when that has ended, but
// before it is applied, so that the disk works meanwhile.
void propose_waiting(metadata_pointer, std::size_t entries_max = 1);
void refuse_commits(metadata_state&, const error& why);
void expire_commits(metadata_state&, metadata_state::time_point now, const error& why);

// metadata_reads.cpp
caf::result<wire<pb::read_reply>> read(metadata_pointer, const wire<pb::read_request>&);
caf::result<wire<pb::list_reply>> list(metadata_pointer, const wire<pb::list_request>&);
void serve_reads(metadata_pointer);
void refuse_reads(metadata_state&, const error& why);
void expire_reads(metadata_state&, metadata_state::time_point now, const error& why);

// metadata_members.cpp
caf::result<void> change_members(metadata_pointer, const wire<pb::member_change>&);
void go_on_promoting(metadata_pointer);

} // namespace troupe
