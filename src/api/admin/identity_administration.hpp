// identity_administration: what changing users, keys and policies takes, beside the metadata group.
#pragma once

#include "actors/interfaces.hpp"
#include "codec/sealed.hpp"

#include <memory>
#include <optional>

namespace troupe::identity {
class holder;
}

namespace troupe::admin {

struct identity_administration {
  identity_keeper_actor keeper;
  std::shared_ptr<const identity::holder> known; // what the keeper read
  std::optional<master_key> master;
  entropy* random = nullptr;
};

} // namespace troupe::admin
