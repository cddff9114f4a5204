// write_plan: where the pieces of one upload go, while nodes fail. Pure: events in, sends out.
// Piece i goes to the i-th candidate. A node that fails is not used again in this upload: its place, from that piece on,
// goes to the next spare. With no spare left the piece is missing: fine as long as every stripe keeps its write quorum.
// Appends are not durable: what counts in the end are the pieces on nodes whose sync succeeded (finish()).
#pragma once

#include "base/error.hpp"
#include "core/placement.hpp"
#include "core/quorum.hpp"
#include "core/stripe.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

// Whether an upload can be as durable as is wanted on so many nodes: ec::unavailable when they are too few, ec::bad_argument
// for one piece of erasure-coded content.
result<> check_start(const stripe_geometry&, durability, std::size_t nodes);

class write_plan {
public:
  // Candidates: k + m places, then spares; fewer than k + m is fine when the quorum can be reached without.
  write_plan(stripe_layout layout, std::vector<node_id> candidates, durability = durability::quorum);

  // Send the piece to that candidate.
  struct send {
    std::uint64_t stripe = 0;
    std::uint32_t piece = 0;
    std::size_t candidate = 0;
    friend bool operator==(const send&, const send&) = default;
  };
  using sends = std::vector<send>;

  // Stripes begin in order; pieces without bytes in the last one count as written.
  void begin_stripe();
  // The piece's bytes are there.
  sends place(std::uint64_t stripe, std::uint32_t piece);
  // Answers. One that is late (the piece has gone elsewhere meanwhile) changes nothing.
  void acknowledged(const send&);
  sends failed(const send&, const std::string& why);
  sends node_failed(std::size_t candidate, const std::string& why);
  // The stripe has its quorum and its other pieces take too long: fails the nodes that they are on.
  sends give_up_slow(std::uint64_t stripe);

  bool has_quorum(std::uint64_t stripe) const;
  bool settled(std::uint64_t stripe) const; // nothing is on its way; its bytes are not needed any more
  bool on_its_way(const send&) const;
  bool waits_for(std::uint64_t stripe, std::size_t candidate) const; // it has not answered about a piece of the stripe
  std::size_t open_stripes() const { return open_.size(); }          // begun, not settled, or behind one that is not
  // A stripe can not reach its quorum any more: ec::unavailable, naming the nodes and what they said.
  const std::optional<error>& impossible() const { return impossible_; }

  const std::vector<node_id>& candidates() const { return candidates_; }
  bool holds_pieces(std::size_t candidate) const { return nodes_[candidate].acknowledged; }
  bool was_sent_pieces(std::size_t candidate) const { return nodes_[candidate].sent; }

  struct missing_piece {
    std::uint64_t stripe = 0;
    std::uint32_t piece = 0;
    node_id node; // where the extent says it is
    friend bool operator==(const missing_piece&, const missing_piece&) = default;
  };
  struct outcome {
    std::vector<placement_run> placements;
    std::vector<missing_piece> missing;
  };
  // All stripes are settled; synced[candidate]: its sync succeeded. ec::unavailable below the quorum.
  result<outcome> finish(const std::vector<bool>& synced) const;
  // Would finish() succeed with these?
  bool enough(const std::vector<bool>& synced) const { return finish(synced).has_value(); }

private:
  struct node_state {
    bool failed = false, sent = false, acknowledged = false;
    std::string why;
  };
  struct open_stripe {
    explicit open_stripe(stripe_quorum q) : quorum(q) {}
    stripe_quorum quorum;
    std::vector<std::size_t> places; // of each piece: a candidate
    std::uint32_t on_way = 0;        // bits: sent, no answer yet
  };
  struct lost_piece {
    std::uint64_t stripe;
    std::uint32_t piece;
    friend auto operator<=>(const lost_piece&, const lost_piece&) = default;
  };

  open_stripe* open_at(std::uint64_t stripe);
  const open_stripe* open_at(std::uint64_t stripe) const;
  bool is_empty(std::uint64_t stripe, std::uint32_t piece) const;
  // Sends the piece to where its place is now, or counts it as missing.
  void route(std::uint64_t stripe, std::uint32_t piece, sends& out);
  std::optional<std::size_t> place_for(std::uint32_t piece);
  void retire_settled();
  void note_impossible(std::uint64_t stripe);
  std::string failures() const;

  stripe_layout layout_;
  std::uint32_t pieces_, quorum_;
  std::vector<node_id> candidates_;
  std::vector<node_state> nodes_;
  std::vector<std::optional<std::size_t>> places_; // of piece i for the next stripes; nothing: never had one
  std::size_t next_spare_;
  std::uint64_t first_open_ = 0;
  std::deque<open_stripe> open_;
  // Settled stripes.
  struct run {
    std::uint64_t first_stripe;
    std::vector<std::size_t> places;
  };
  std::vector<run> runs_;
  std::vector<lost_piece> lost_; // ascending
  std::optional<error> impossible_;
};

} // namespace troupe
