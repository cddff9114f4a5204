// identities: users, keys, roles and policies, as /admin/users, /admin/keys and /admin/policies (docs/SECURITY.md). Changes are
// made from what was read just before, and hold only if nobody changed anything meanwhile; then they are made anew.
#pragma once

#include "api/admin/call.hpp"

#include <span>

namespace troupe::admin {

std::span<const route> identity_routes();

} // namespace troupe::admin
