// metadata_state: what the files of METADATA share: its state, and what one of them asks of another. Private to them.
#pragma once

#include "actors/metadata.hpp"
#include "actors/metadata_replica.hpp"
#include "actors/reply.hpp"
#include "core/batch_pacing.hpp"

#include <caf/result.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

// The answer to a question of a fetch, whoever brought it.
struct fetched {
  fetched() = default; // not an aggregate: CAF rule 1
  fetched(std::uint64_t a, std::shared_ptr<const result<pb::state_copy_page>> p) : attempt(a), page(std::move(p)) {}
  std::uint64_t attempt = 0;
  std::shared_ptr<const result<pb::state_copy_page>> page;
};

// To itself: what has come meanwhile is in front of it.
struct gathered {
  gathered() = default; // not an aggregate: CAF rule 1
};

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::gathered)

namespace troupe {

using ticking_metadata =
  metadata_actor::extend<caf::reacts_to<tick_atom>, caf::reacts_to<fetched>, caf::reacts_to<gathered>>;

struct metadata_state {
  using time_point = caf::actor_clock::time_point;

  struct waiting_commit {
    wire<pb::batch> batch;
    std::size_t bytes = 0;
    time_point until;
    reply<wire<pb::batch_result>> answer;
    open_span traced;
  };
  struct waiting_read {
    time_point until;
    std::function<void(const result<>& readable)> go_on;
  };

  struct served_copy {
    std::shared_ptr<state_copy> copy;
    time_point until;
  };
  struct state_fetch {
    std::uint64_t attempt = 0, member = 0;
    std::string address;
    std::uint64_t copy = 0, bytes = 0, received = 0;
    std::uint32_t crc32c = 0;
    pb::raft_manifest manifest;
    std::shared_ptr<state_arrival> arrival;
    bool verifying = false;
    time_point until;
  };

  metadata_state() = default;
  static inline const char* name = "metadata";
  metadata_options options;
  std::deque<waiting_commit> queue; // not proposed yet
  std::size_t queue_bytes = 0;
  struct proposed_entry {
    pb::log_entry entry;
    std::vector<waiting_commit> commits;                   // its batches, which are in the entry now
    std::vector<metadata_machine::batch_outcome> outcomes; // of the first of them; not told yet from `told` on
    std::uint64_t index = 0, term = 0;
    std::size_t told = 0;
  };
  std::deque<std::shared_ptr<proposed_entry>> proposed; // on their way
  std::size_t proposed_commits = 0;                     // in them
  batch_pacing pacing;
  std::deque<waiting_read> reads;
  bool read_round = false;                                   // a proof of leadership for earlier reads is on its way
  std::vector<std::pair<std::uint64_t, reply<>>> promotions; // of members that were added just now
  std::map<std::uint64_t, served_copy> copies;
  std::size_t copies_in_the_making = 0;
  std::uint64_t copies_made = 0;
  std::optional<state_fetch> fetch; // at most one
  std::uint64_t fetches = 0;
  bool gathering = false; // a message `gathered` is on its way
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
void carry_out(metadata_pointer);      // whatever has become possible
void carry_out_soon(metadata_pointer); // after what waits in the mailbox: commits that came together share an entry
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
// The entry of this member's that is applied next, when that has this index and the member has led since it proposed it: a
// leader writes each index once a term, so no other entry can be there.
metadata_state::proposed_entry* proposed_at(metadata_state&, std::uint64_t index);
void note_outcome(metadata_state::proposed_entry&, metadata_machine::batch_outcome);
void refuse_commits(metadata_state&, const error& why);
void expire_commits(metadata_state&, metadata_state::time_point now, const error& why);

// metadata_reads.cpp
caf::result<wire<pb::read_reply>> read(metadata_pointer, const wire<pb::read_request>&);
caf::result<wire<pb::list_reply>> list(metadata_pointer, const wire<pb::list_request>&);
void serve_reads(metadata_pointer);
void refuse_reads(metadata_state&, const error& why);
void expire_reads(metadata_state&, metadata_state::time_point now, const error& why);

// metadata_copies.cpp
caf::result<wire<pb::state_copy_page>> serve_copy(metadata_pointer, const wire<pb::state_copy_request>&);
void expire_copies(metadata_state&, metadata_state::time_point now);

// metadata_fetch.cpp
void start_fetch(metadata_pointer, std::uint64_t member, const std::string& address);
void on_fetched(metadata_pointer, const fetched&);
void expire_fetch(metadata_pointer, metadata_state::time_point now);

// metadata_members.cpp
caf::result<void> change_members(metadata_pointer, const wire<pb::member_change>&);
void go_on_promoting(metadata_pointer);

} // namespace troupe
