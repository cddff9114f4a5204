#include "core/identity/changes.hpp"

#include "core/tables.hpp"
#include "identity.pb.h"

#include <algorithm>

namespace troupe::identity {

namespace {

// Holds at this version, and makes the next one.
pb::batch begin(const snapshot& s) {
  pb::batch b;
  const auto row = tables::identity_row(version_row, {});
  auto& same = *b.add_preconditions();
  same.set_key(row);
  if (s.version_value.empty()) {
    same.set_kind(pb::precondition::not_exists);
  } else {
    same.set_kind(pb::precondition::equals);
    same.set_digest(tables::digest_of(s.version_value));
  }
  pb::identity_version next;
  next.set_number(s.version + 1);
  auto& put = *b.add_operations();
  put.set_kind(pb::operation::put);
  put.set_key(row);
  put.set_value(next.SerializeAsString());
  return b;
}

template <class Record>
void put(pb::batch& b, char kind, const std::string& name, const Record& r) {
  auto& op = *b.add_operations();
  op.set_kind(pb::operation::put);
  op.set_key(tables::identity_row(kind, name));
  op.set_value(r.SerializeAsString());
}

void erase(pb::batch& b, char kind, const std::string& name) {
  auto& op = *b.add_operations();
  op.set_kind(pb::operation::erase);
  op.set_key(tables::identity_row(kind, name));
}

pb::user_record record_of(const user& u) {
  pb::user_record r;
  for (auto known : all_roles)
    if (u.roles.has(known)) r.add_roles(std::string{to_string(known)});
  r.set_disabled(u.disabled);
  r.set_created_ms(u.created);
  return r;
}

result<user> find_user(const snapshot& s, const std::string& name) {
  const auto found = s.users.find(name);
  if (found == s.users.end()) return fail(ec::not_found, "there is no user '" + name + "'");
  return found->second;
}

result<pb::batch> changed(const snapshot& s, const std::string& name, const user& u) {
  auto b = begin(s);
  put(b, user_rows, name, record_of(u));
  return b;
}

} // namespace

result<pb::batch> add_user(const snapshot& s, const std::string& name, role_set roles, unix_ms now) {
  if (!is_user_name(name)) return fail(ec::bad_argument, "a user's name is 1 to 64 of a-z A-Z 0-9 . _ @ + -");
  if (s.users.contains(name)) return fail(ec::conflict, "user '" + name + "' is there already");
  if (s.users.size() >= users_max) return fail(ec::too_large, "there are 10000 users already, which is the most");
  return changed(s, name, {.roles = roles, .disabled = false, .created = now});
}

result<pb::batch> remove_user(const snapshot& s, const std::string& name) {
  auto found = find_user(s, name);
  if (!found) return found.error();
  auto b = begin(s);
  erase(b, user_rows, name);
  for (const auto& [id, key] : s.keys)
    if (key.user == name) erase(b, key_rows, id);
  return b;
}

result<pb::batch> set_disabled(const snapshot& s, const std::string& name, bool disabled) {
  auto found = find_user(s, name);
  if (!found) return found.error();
  found->disabled = disabled;
  return changed(s, name, *found);
}

result<pb::batch> set_roles(const snapshot& s, const std::string& name, role_set roles) {
  auto found = find_user(s, name);
  if (!found) return found.error();
  found->roles = roles;
  return changed(s, name, *found);
}

result<pb::batch> add_key(
  const snapshot& s, const new_key& k, const std::optional<master_key>& master, entropy& random, unix_ms now) {
  auto owner = find_user(s, k.user);
  if (!owner) return owner.error();
  if (s.keys.contains(k.id)) return fail(ec::conflict, "a key of that id is there already");
  const auto owned = std::ranges::count_if(s.keys, [&](const auto& entry) { return entry.second.user == k.user; });
  if (static_cast<std::size_t>(owned) >= keys_of_user_max)
    return fail(ec::too_large, "user '" + k.user + "' has 16 keys already, which is the most: revoke one");
  if (s.keys.size() >= keys_max) return fail(ec::too_large, "there are 20000 keys already, which is the most");
  pb::access_key_record r;
  r.set_user(k.user);
  r.set_kind(std::string{to_string(k.kind)});
  r.set_created_ms(now);
  if (k.kind == key_kind::api) {
    r.set_secret(digest_of_secret(k.secret));
  } else {
    if (!master)
      return fail(ec::not_implemented,
        "SigV4 keys need a master key to be kept with: set identity.master_key_file on every node with the role "
        "coordinator (`openssl rand -hex 32` makes one); API keys need none");
    auto sealed = seal(*master, k.secret, seal_context(k.id, k.user), random);
    if (!sealed) return sealed.error();
    r.set_secret(std::move(*sealed));
    r.set_sealed_by(master->fingerprint());
  }
  auto b = begin(s);
  put(b, key_rows, k.id, r);
  return b;
}

result<pb::batch> revoke_key(const snapshot& s, const std::string& id) {
  if (!s.keys.contains(id)) return fail(ec::not_found, "there is no key '" + id + "'");
  auto b = begin(s);
  erase(b, key_rows, id);
  return b;
}

result<pb::batch> set_policy(
  const snapshot& s, const std::string& bucket_pattern, const std::string& document, unix_ms now) {
  if (!is_bucket_pattern(bucket_pattern))
    return fail(ec::bad_argument, "a policy is for a bucket, or for a prefix of buckets' names and '*'");
  auto parsed = policy::parse(document);
  if (!parsed) return parsed.error();
  if (!s.documents.contains(bucket_pattern) && s.documents.size() >= policies_max)
    return fail(ec::too_large, "there are 1000 policies already, which is the most");
  pb::policy_record r;
  r.set_document(document);
  r.set_changed_ms(now);
  auto b = begin(s);
  put(b, policy_rows, bucket_pattern, r);
  return b;
}

result<pb::batch> remove_policy(const snapshot& s, const std::string& bucket_pattern) {
  if (!s.documents.contains(bucket_pattern))
    return fail(ec::not_found, "there is no policy of '" + bucket_pattern + "'");
  auto b = begin(s);
  erase(b, policy_rows, bucket_pattern);
  return b;
}

} // namespace troupe::identity
