// IDENTITY KEEPER: keeps this process's picture of who may do what. Looks at the version row of table identity at every
// interval; when it has changed, reads the table, and hands a new snapshot to the holder that the io threads look things up in.
// What was revoked is refused within an interval and the time of one reading, as long as the metadata group answers; while it
// does not, the last picture stays (and nothing that needs metadata is served).
#pragma once

#include "actors/interfaces.hpp"
#include "codec/sealed.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace troupe {

namespace identity {
class holder;
}

struct identity_keeper_options {
  identity_keeper_options() = default;
  metadata_actor metadata; // the group
  std::shared_ptr<identity::holder> known;
  std::optional<master_key> master;
  std::chrono::milliseconds interval{1'000};
  std::chrono::milliseconds request_timeout{5'000};
  std::uint32_t rows_per_page = 256; // of at most 16 KiB each
};

identity_keeper_actor spawn_identity_keeper(caf::actor_system&, identity_keeper_options);

} // namespace troupe
