// reply: a promise of an answer that can not be forgotten: delivered once, or with an error when the last copy goes
// (an actor that ends drops its state, so that whoever waits on it learns of it at once).
#pragma once

#include "actors/messages.hpp"

#include <caf/delegated.hpp>
#include <caf/response_promise.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {

template <class T = void>
class reply {
public:
  reply() = default; // answers nobody
  // Inside a handler: takes over the answer to the message that is handled now. The handler returns later().
  template <class Self>
  explicit reply(Self* self) : held_(std::make_shared<holder>(self->make_response_promise())) {}

  caf::delegated<T> later() const { return {}; }

  // The first outcome counts.
  void operator()(result<T> outcome) const {
    if (!held_ || !held_->promise.pending()) return;
    if (!outcome) {
      held_->promise.deliver(to_caf(outcome.error()));
    } else if constexpr (std::is_void_v<T>) {
      held_->promise.deliver(caf::unit);
    } else {
      held_->promise.deliver(std::move(*outcome));
    }
  }
  bool pending() const { return held_ && held_->promise.pending(); }

private:
  struct holder {
    explicit holder(caf::response_promise p) : promise(std::move(p)) {}
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() {
      if (promise.pending()) promise.deliver(to_caf(fail(ec::unavailable, "the actor ended before it answered")));
    }
    caf::response_promise promise;
  };
  std::shared_ptr<holder> held_;
};

} // namespace troupe
