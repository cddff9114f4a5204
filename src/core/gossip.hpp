// gossip: who is alive, found out by SWIM (Das, Gupta, Motivala 2002): each interval every member probes one other,
// directly, then through others; who does not answer is suspected, and dead unless it refutes that in time. News travel
// on the probes, so a member's load does not grow with the cluster.
//
// A value: datagrams and a time go in, datagrams come out. Not a decision: gossip only suspects, the metadata group
// decides what the cluster is (docs/ARCHITECTURE.md). Time is monotonic, from any origin.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "troupe.pb.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

enum class member_status : std::uint8_t { alive, suspect, dead };

struct gossip_member {
  node_id id;
  std::string address;
  std::uint64_t incarnation = 0; // only the member itself raises it
  member_status status = member_status::alive;
  std::chrono::milliseconds since{0}; // of this status, here
};

struct gossip_options {
  std::chrono::milliseconds interval{1000};   // one probe each
  std::chrono::milliseconds ack_timeout{300}; // then others are asked to probe; the rest of the interval is theirs
  std::chrono::milliseconds suspect_timeout{
    5000}; // a suspect that does not refute it is dead; longer beyond 10 members
  std::chrono::milliseconds sync_interval{
    15'000}; // whole lists are exchanged with one member, dead ones too: heals partitions
  std::chrono::milliseconds forget_after{std::chrono::hours{1}}; // a dead member's entry
  std::size_t indirect_probes = 3;
  std::size_t news_per_message = 20;
  std::size_t members_max = 1000; // more are not taken in
};

class gossip {
public:
  using time = std::chrono::milliseconds;
  struct datagram {
    std::string address;
    pb::gossip_message message;
  };
  struct effects {
    std::vector<datagram> send;
    std::vector<gossip_member> changed;   // new members, and new statuses; as they are now
    std::optional<std::string> same_name; // address of another node that has this one's name: an operator must know
    // Of this member's own probes. One that ended without an answer ended before another began.
    bool probe_unanswered = false, probe_began = false, probe_answered = false;
  };

  // `first_incarnation` should be greater than at the last start (the wall clock does); when it is not, others' memory
  // of this member corrects it. `seeds`: addresses to join by; this member's own among them is fine.
  gossip(node_id self, std::string address, std::uint64_t first_incarnation, std::vector<std::string> seeds,
    gossip_options options, entropy& random, time now);

  effects tick(time now);                               // at next() or later
  effects receive(const pb::gossip_message&, time now); // what does not make sense is ignored
  // Tells some members that this one goes away on purpose: they need not find out.
  effects leave();
  time next() const;

  const gossip_member& self() const { return members_.at(self_); }
  const std::map<node_id, gossip_member>& members() const { return members_; } // this one, too
  std::size_t alive() const;

private:
  struct probe {
    node_id target;
    std::uint64_t sequence = 0;
    time ask_others{0}, ends{0};
    bool asked_others = false;
  };
  struct relay { // a probe for somebody else
    std::string address;
    std::uint64_t sequence = 0; // the asker's
    time ends{0};
  };

  void learn(const pb::gossip_news&, time now, effects&);
  bool forget_oldest_dead();
  void refute(std::uint64_t incarnation, effects&);
  void set_status(gossip_member&, member_status, time now, effects&);
  void spread(const node_id&);
  void add_news(pb::gossip_message&);
  void send(effects&, const std::string& address, pb::gossip_message);
  pb::gossip_message message(pb::gossip_message::kinds, std::uint64_t sequence = 0) const;
  pb::gossip_message whole_list(pb::gossip_message::kinds) const;

  void start_probe(time now, effects&);
  void pursue_probe(time now, effects&);
  void exchange_lists(effects&);
  std::optional<node_id> next_target();
  std::vector<node_id> some_alive(std::size_t n, const node_id& except);
  std::uint64_t below(std::uint64_t n);
  std::size_t times_to_tell() const;
  time suspicion() const;

  node_id self_;
  std::vector<std::string> seeds_;
  gossip_options options_;
  entropy& random_;
  std::map<node_id, gossip_member> members_;
  std::map<node_id, std::size_t> news_; // to tell, and how often it was told
  std::vector<node_id> round_;          // whom this round still probes, from the back
  std::optional<probe> probe_;
  std::map<std::uint64_t, relay> relays_; // by our sequence number
  std::uint64_t sequence_ = 0;
  time next_probe_, next_sync_, sync_pause_, last_tick_;
};

} // namespace troupe
