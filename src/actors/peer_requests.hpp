// peer_requests: how an actor asks another process and answers its own requester with what comes back. The channel calls
// back from a thread of its own; the answer is then sent to the actor, which alone may touch its promises.
#pragma once

#include "actors/peer_methods.hpp"
#include "actors/reply.hpp"
#include "actors/wire.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/replies_to.hpp>
#include <caf/send.hpp>

#include <functional>
#include <map>
#include <memory>

namespace troupe {

using answer_atom = caf::atom_constant<caf::atom("answer")>;

struct peer_answer {
  peer_answer() = default; // not an aggregate: CAF rule 1
  peer_answer(std::uint64_t i, result<peer_message> r)
      : id(i), outcome(std::make_shared<result<peer_message>>(std::move(r))) {}
  std::uint64_t id = 0;
  std::shared_ptr<result<peer_message>> outcome;
};

// An actor whose state holds this has one more handler: [self](answer_atom, const peer_answer& a) { ...arrived(a); }.
using answered_by_peers = caf::reacts_to<answer_atom, peer_answer>;

class peer_requests {
public:
  using on_answer = std::function<void(result<peer_message>)>;

  peer_requests() = default;
  explicit peer_requests(std::shared_ptr<channel> net) : net_(std::move(net)) {}

  // `then` runs inside the actor. Every call is answered: the channel sees to it.
  template <class Self>
  void call(
    Self* self, const peer_address& to, plane p, peer_message m, std::chrono::milliseconds timeout, on_answer then) {
    auto id = next_++;
    waiting_.emplace(id, std::move(then));
    net_->call(
      to, p, std::move(m), timeout, [id, me = caf::actor_cast<caf::actor>(self->ctrl())](result<peer_message> outcome) {
        caf::anon_send(me, answer_atom::value, peer_answer{id, std::move(outcome)});
      });
  }
  void arrived(const peer_answer& a) {
    auto found = waiting_.find(a.id);
    if (found == waiting_.end()) return;
    auto then = std::move(found->second);
    waiting_.erase(found);
    then(std::move(*a.outcome));
  }
  channel& net() const { return *net_; }

  // Answers the request that is handled now with what `convert` makes of the peer's message.
  template <class T, class Self>
  caf::result<T> forward(Self* self, const peer_address& to, plane p, peer_message m, std::chrono::milliseconds timeout,
    std::function<result<T>(peer_message)> convert) {
    reply<T> answer{self};
    call(self, to, p, std::move(m), timeout, [answer, convert](result<peer_message> outcome) {
      if (!outcome) return answer(std::move(outcome).error());
      answer(convert(std::move(*outcome)));
    });
    return answer.later();
  }

private:
  std::shared_ptr<channel> net_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, on_answer> waiting_;
};

// The head alone, as a message that CAF carries.
template <class T>
result<wire<T>> head_of(const peer_message& m) {
  auto parsed = parse_head<T>(m);
  if (!parsed) return std::move(parsed).error();
  return wire<T>{std::move(*parsed)};
}

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::peer_answer)
