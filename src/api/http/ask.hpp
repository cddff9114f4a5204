// ask: a typed request to an actor as one co_await, with the receiver's interface checked at compile time.
//   result<chunk> r = co_await ask<chunk>(bridge, shard, 5s, read_atom::value, id);
// Arguments and handle are taken before the first suspension: nothing needs to outlive the call but the bridge.
#pragma once

#include "actors/messages.hpp"
#include "api/http/actor_bridge.hpp"

#include <caf/actor_cast.hpp>
#include <caf/detail/implicit_conversions.hpp>
#include <caf/message.hpp>
#include <caf/response_type.hpp>
#include <caf/typed_actor.hpp>
#include <caf/unit.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace troupe::http {

namespace ask_detail {

template <class Handle, class... Ts>
using reply = caf::response_type_unbox<caf::signatures_of_t<Handle>,
  caf::detail::type_list<caf::detail::implicit_conversions_t<std::decay_t<Ts>>...>>;

// Whether a receiver with these reply types answers an R. A dynamically typed actor may answer anything.
template <class R, class Reply>
constexpr bool answers() {
  if constexpr (std::is_same_v<Reply, caf::message>)
    return true;
  else
    return std::is_same_v<Reply, caf::detail::type_list<R>>;
}

template <class R>
result<R> decode(caf::message& m) {
  if constexpr (std::is_void_v<R>) {
    if (m.empty() || m.match_elements<caf::unit_t>()) return {};
  } else {
    if (m.match_elements<R>()) return std::move(m.get_mutable_as<R>(0)); // copies first if someone else holds it
  }
  return fail(ec::internal, "an actor answered " + caf::to_string(m));
}

template <class R>
task<result<R>> decoded(task<result<caf::message>> pending) {
  auto m = co_await std::move(pending);
  if (!m) co_return m.error();
  co_return decode<R>(*m);
}

} // namespace ask_detail

template <class R, class Handle, class... Ts>
task<result<R>> ask(actor_bridge& bridge, const Handle& to, std::chrono::milliseconds limit, Ts... xs) {
  using reply = ask_detail::reply<Handle, Ts...>;
  static_assert(reply::valid, "the receiver does not accept this message");
  if constexpr (reply::valid)
    static_assert(ask_detail::answers<R, typename reply::type>(), "the receiver answers another type");
  return ask_detail::decoded<R>(
    bridge.request(caf::actor_cast<caf::strong_actor_ptr>(to), limit, caf::make_message(std::move(xs)...)));
}

// A message without an answer.
template <class Handle, class... Ts>
void fire(actor_bridge& bridge, const Handle& to, Ts... xs) {
  static_assert(ask_detail::reply<Handle, Ts...>::valid, "the receiver does not accept this message");
  bridge.send(caf::actor_cast<caf::strong_actor_ptr>(to), caf::make_message(std::move(xs)...));
}

} // namespace troupe::http
