#include "roles/actor_config.hpp"

#include "actors/messages.hpp"

#include <algorithm>
#include <thread>

namespace troupe {

actor_config::actor_config() {
  register_messages(*this);
  set("scheduler.policy", caf::atom("sharing")); // stealing delays what is queued behind a busy worker
  set("scheduler.max-threads", std::size_t{std::max(2u, std::thread::hardware_concurrency())});
  set("scheduler.max-throughput", std::size_t{50}); // without it an actor that feeds itself starves the others
}

} // namespace troupe
