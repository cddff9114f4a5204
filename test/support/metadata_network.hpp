// metadata_network: the wire between the METADATA members of a test. Messages become bytes and are parsed again; a seed
// decides what is lost, doubled and delayed (and so overtaken); directions can be cut. Time is the test's.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/send.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace troupe {

class metadata_network {
public:
  explicit metadata_network(std::uint64_t seed) : random_(seed) {}

  unsigned lost_per_mille = 0, doubled_per_mille = 0;
  std::uint64_t delay_ms_max = 2;
  // What a test looks at, or drops by answering false.
  std::function<bool(const pb::raft_message&)> passes;
  std::size_t messages = 0;
  std::map<std::uint64_t, std::uint64_t> leader_of_term; // by who sent entries in it

  void cut(std::uint64_t from, std::uint64_t to) { cut_.insert({from, to}); }
  void heal() { cut_.clear(); }
  void forget_from(std::uint64_t from) {
    std::erase_if(in_flight_, [&](auto& m) { return m.second.from == from; });
  }
  bool is_cut(std::uint64_t from, std::uint64_t to) const { return cut_.contains({from, to}); }

  void send(std::uint64_t from, std::uint64_t to, const pb::raft_message& m) {
    ++messages;
    CHECK(m.from() == from);
    CHECK(m.to() == to);
    if (m.has_append_entries()) {
      auto [first, is_new] = leader_of_term.emplace(m.append_entries().term(), from);
      if (first->second != from)
        FAIL("members " << first->second << " and " << from << " both lead in term " << m.append_entries().term());
    }
    if (is_cut(from, to) || (passes && !passes(m)) || draw(1000) < lost_per_mille) return;
    auto bytes = m.SerializeAsString();
    in_flight_.insert({now_ms_ + draw(delay_ms_max + 1), {from, to, bytes}});
    if (draw(1000) < doubled_per_mille) in_flight_.insert({now_ms_ + draw(20 * delay_ms_max + 1), {from, to, bytes}});
  }

  // Everything that is due; `at` gives the member's actor, or nothing while it is down.
  void pass(std::uint64_t ms, const std::function<metadata_actor(std::uint64_t)>& at) {
    now_ms_ += ms;
    while (!in_flight_.empty() && in_flight_.begin()->first <= now_ms_) {
      auto next = std::move(in_flight_.extract(in_flight_.begin()).mapped());
      if (is_cut(next.from, next.to)) continue;
      pb::raft_message m;
      REQUIRE(m.ParseFromString(next.bytes));
      if (auto actor = at(next.to)) caf::anon_send(actor, raft_atom::value, wire{std::move(m)});
    }
  }

private:
  struct message {
    std::uint64_t from = 0, to = 0;
    std::string bytes;
  };
  std::uint64_t draw(std::uint64_t n) { return random_() % n; }

  std::mt19937_64 random_;
  std::uint64_t now_ms_ = 0;
  std::multimap<std::uint64_t, message> in_flight_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cut_;
};

} // namespace troupe
