// changes: what an operator changes in table identity, as batches. Each is made from a snapshot and holds only if the version
// is still that snapshot's: whoever loses the race looks again. Errors: ec::not_found, ec::conflict (it is there already),
// ec::bad_argument, ec::too_large.
#pragma once

#include "core/identity/snapshot.hpp"
#include "troupe.pb.h"

namespace troupe::identity {

inline constexpr std::size_t users_max = 10'000, keys_max = 20'000, keys_of_user_max = 16, policies_max = 1'000;

result<pb::batch> add_user(const snapshot&, const std::string& name, role_set, unix_ms now);
result<pb::batch> remove_user(const snapshot&, const std::string& name); // and their keys
result<pb::batch> set_disabled(const snapshot&, const std::string& name, bool disabled);
result<pb::batch> set_roles(const snapshot&, const std::string& name, role_set);

struct new_key {
  std::string id, user;
  key_kind kind = key_kind::sigv4;
  std::string secret; // in clear
};
// The secret is kept as its kind needs it: sealed (ec::not_implemented without a master key), or as a digest.
result<pb::batch> add_key(const snapshot&, const new_key&, const std::optional<master_key>&, entropy&, unix_ms now);
result<pb::batch> revoke_key(const snapshot&, const std::string& id);

result<pb::batch> set_policy(
  const snapshot&, const std::string& bucket_pattern, const std::string& document, unix_ms now);
result<pb::batch> remove_policy(const snapshot&, const std::string& bucket_pattern);

} // namespace troupe::identity
