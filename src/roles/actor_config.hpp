// actor_config: how every process of ours configures its actor system.
#pragma once

#include "actors/census.hpp"

#include <caf/actor_system_config.hpp>

namespace troupe {

struct actor_config : caf::actor_system_config, census_keeper {
  actor_config();
};

} // namespace troupe
