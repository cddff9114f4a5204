#include "api/admin/identities.hpp"

#include "api/admin/change_request.hpp"
#include "codec/random_text.hpp"
#include "codec/text.hpp"
#include "core/identity/changes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <array>
#include <functional>

namespace troupe::admin {

namespace {

using identity::snapshot;

constexpr int attempts_max = 8; // races lost in a row before an operator hears of it
constexpr std::size_t key_id_chars = 18, secret_key_chars = 40, api_secret_chars = 43; // of 62: 238 and 256 bits

// What is committed by now.
http::task<std::shared_ptr<const snapshot>> known_now(call& c) {
  auto& ids = c.config.identities;
  if (!ids.keeper) throw http::api_error{ec::not_implemented, "there are no users here"};
  must(co_await http::ask<void>(c.actors, ids.keeper, look_timeout, sync_atom::value));
  auto known = ids.known->get();
  if (!known) throw http::api_error{ec::unavailable, "who may do what could not be read, please try again"};
  co_return known;
}

using change = std::function<result<pb::batch>(const snapshot&)>;

// Commits what `make` makes of the identities as they are; what this process knows has it when this returns.
http::task<> commit(call& c, change make) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto known = co_await known_now(c);
    auto batch = must(make(*known));
    batch.set_now_ms(c.config.clock.now());
    auto done = co_await http::ask<wire<pb::batch_result>>(
      c.actors, c.config.metadata, change_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)});
    if (!done && done.error().code == ec::timeout)
      throw http::api_error{ec::timeout, "whether the change was made is not known: " + done.error().message};
    const auto outcome = must(std::move(done));
    if (!outcome->applied()) continue; // somebody else changed something
    (void)co_await known_now(c);
    co_return;
  }
  throw http::api_error{ec::conflict, "others keep changing the identities, please try again"};
}

// ---- what is answered

json::array names_of(identity::role_set roles) {
  json::array names;
  for (auto r : identity::all_roles)
    if (roles.has(r)) names.emplace_back(identity::to_string(r));
  return names;
}

json::object user_json(const snapshot& s, const std::string& name, const identity::user& u) {
  std::size_t keys = 0;
  for (const auto& [id, key] : s.keys) keys += key.user == name ? 1 : 0;
  return {{"name", name}, {"roles", names_of(u.roles)}, {"disabled", u.disabled}, {"keys", keys},
    {"created", format_iso8601(u.created)}};
}

http::task<> answer_user(call& c, const std::string& name) {
  const auto known = c.config.identities.known->get();
  const auto found = known->users.find(name);
  json::object out;
  if (found != known->users.end()) out = user_json(*known, name, found->second);
  co_await answer(c, std::move(out));
}

// ---- what is asked

json::object body_of(const call& c, std::initializer_list<std::string_view> fields) {
  return must(object_in(c.body, fields));
}

std::string text_at(const json::object& o, const char* name) { return must(text_of(o, name)); }

identity::role_set roles_at(const json::object& o, const char* name) {
  identity::role_set roles;
  const auto* v = o.if_contains(name);
  if (v == nullptr) return roles;
  if (!v->is_array()) throw http::api_error{ec::bad_argument, std::string{"'"} + name + "' is not a list of roles"};
  for (const auto& word : v->get_array()) {
    const auto r = word.is_string() ? identity::role_named(word.get_string()) : std::nullopt;
    if (!r) throw http::api_error{ec::bad_argument, "a role is reader, writer or admin"};
    roles.add(*r);
  }
  return roles;
}

// ---- users

http::task<> on_users(call& c) {
  const auto known = co_await known_now(c);
  json::array users;
  for (const auto& [name, u] : known->users) users.push_back(user_json(*known, name, u));
  json::object out{{"users", std::move(users)}};
  co_await answer(c, std::move(out));
}

http::task<> on_add_user(call& c) {
  const auto o = body_of(c, {"name", "roles"});
  const auto name = text_at(o, "name");
  const auto roles = roles_at(o, "roles");
  const auto now = c.config.clock.now();
  change make = [&](const snapshot& s) { return identity::add_user(s, name, roles, now); };
  co_await commit(c, std::move(make));
  co_await answer_user(c, name);
}

http::task<> on_remove_user(call& c) {
  const auto& name = c.parameters.at("name");
  change make = [&](const snapshot& s) { return identity::remove_user(s, name); };
  co_await commit(c, std::move(make));
  json::object out{{"removed", name}};
  co_await answer(c, std::move(out));
}

http::task<> switch_user(call& c, bool disabled) {
  const auto& name = c.parameters.at("name");
  change make = [&](const snapshot& s) { return identity::set_disabled(s, name, disabled); };
  co_await commit(c, std::move(make));
  co_await answer_user(c, name);
}

http::task<> on_disable_user(call& c) { co_await switch_user(c, true); }
http::task<> on_enable_user(call& c) { co_await switch_user(c, false); }

http::task<> on_change_roles(call& c) {
  const auto& name = c.parameters.at("name");
  const auto o = body_of(c, {"grant", "revoke"});
  const auto grant = roles_at(o, "grant"), revoke = roles_at(o, "revoke");
  change make = [&](const snapshot& s) {
    identity::role_set roles;
    if (const auto found = s.users.find(name); found != s.users.end()) roles = found->second.roles;
    for (auto r : identity::all_roles) {
      if (grant.has(r)) roles.add(r);
      if (revoke.has(r)) roles.remove(r);
    }
    return identity::set_roles(s, name, roles);
  };
  co_await commit(c, std::move(make));
  co_await answer_user(c, name);
}

// ---- keys

http::task<> on_keys(call& c) {
  const auto known = co_await known_now(c);
  const auto* user = c.rq.target().q("user");
  json::array keys;
  for (const auto& [id, key] : known->keys) {
    if (user != nullptr && key.user != *user) continue;
    keys.push_back(json::object{{"id", id}, {"user", key.user}, {"kind", identity::to_string(key.kind)},
      {"usable", known->usable(id) != nullptr && !key.secret.empty()}, {"created", format_iso8601(key.created)}});
  }
  json::object out{{"keys", std::move(keys)}};
  co_await answer(c, std::move(out));
}

// The secret is in this answer, and nowhere again.
http::task<> on_create_key(call& c) {
  const auto o = body_of(c, {"user", "kind"});
  auto& ids = c.config.identities;
  const auto word = text_at(o, "kind");
  const auto kind = identity::key_kind_named(word.empty() ? "sigv4" : word);
  if (!kind) throw http::api_error{ec::bad_argument, "the kind of a key is sigv4 or api"};
  if (ids.random == nullptr) throw http::api_error{ec::not_implemented, "no keys can be made here"};
  const bool api = *kind == identity::key_kind::api;
  const identity::new_key key{.id = (api ? "TA" : "TK") + random_text(*ids.random, capitals_and_digits, key_id_chars),
    .user = text_at(o, "user"),
    .kind = *kind,
    .secret = random_text(*ids.random, letters_and_digits, api ? api_secret_chars : secret_key_chars)};
  const auto now = c.config.clock.now();
  change make = [&](const snapshot& s) { return identity::add_key(s, key, ids.master, *ids.random, now); };
  co_await commit(c, std::move(make));
  json::object out{{"id", key.id}, {"user", key.user}, {"kind", identity::to_string(key.kind)}};
  if (api)
    out["api_key"] = key.id + "." + key.secret;
  else
    out["secret_key"] = key.secret;
  co_await answer(c, std::move(out));
}

http::task<> on_revoke_key(call& c) {
  const auto& id = c.parameters.at("id");
  change make = [&](const snapshot& s) { return identity::revoke_key(s, id); };
  co_await commit(c, std::move(make));
  json::object out{{"revoked", id}};
  co_await answer(c, std::move(out));
}

// ---- policies

json::object policy_json(const std::string& bucket, const identity::stored_policy& p) {
  json::error_code bad;
  auto document = json::parse(p.document, bad);
  return {
    {"bucket", bucket}, {"policy", bad ? json::value{} : std::move(document)}, {"changed", format_iso8601(p.changed)}};
}

http::task<> on_policies(call& c) {
  const auto known = co_await known_now(c);
  json::array all;
  for (const auto& [bucket, p] : known->documents)
    all.push_back(json::object{{"bucket", bucket}, {"changed", format_iso8601(p.changed)}});
  json::object out{{"policies", std::move(all)}};
  co_await answer(c, std::move(out));
}

http::task<> on_policy(call& c) {
  const auto known = co_await known_now(c);
  const auto& bucket = c.parameters.at("bucket");
  const auto found = known->documents.find(bucket);
  if (found == known->documents.end()) throw http::api_error{ec::not_found, "there is no policy of '" + bucket + "'"};
  auto out = policy_json(bucket, found->second);
  co_await answer(c, std::move(out));
}

http::task<> on_set_policy(call& c) {
  const auto& bucket = c.parameters.at("bucket");
  const auto now = c.config.clock.now();
  change make = [&](const snapshot& s) { return identity::set_policy(s, bucket, c.body, now); };
  co_await commit(c, std::move(make));
  auto out = policy_json(bucket, {.document = c.body, .parsed = nullptr, .changed = now});
  co_await answer(c, std::move(out));
}

http::task<> on_remove_policy(call& c) {
  const auto& bucket = c.parameters.at("bucket");
  change make = [&](const snapshot& s) { return identity::remove_policy(s, bucket); };
  co_await commit(c, std::move(make));
  json::object out{{"removed", bucket}};
  co_await answer(c, std::move(out));
}

constexpr std::array routes{
  route{"GET", "/admin/users", "AdminUsers", on_users},
  route{"POST", "/admin/users", "AdminAddUser", on_add_user},
  route{"POST", "/admin/users/{name}/remove", "AdminRemoveUser", on_remove_user},
  route{"POST", "/admin/users/{name}/disable", "AdminDisableUser", on_disable_user},
  route{"POST", "/admin/users/{name}/enable", "AdminEnableUser", on_enable_user},
  route{"POST", "/admin/users/{name}/roles", "AdminRoles", on_change_roles},
  route{"GET", "/admin/keys", "AdminKeys", on_keys},
  route{"POST", "/admin/keys", "AdminCreateKey", on_create_key},
  route{"POST", "/admin/keys/{id}/revoke", "AdminRevokeKey", on_revoke_key},
  route{"GET", "/admin/policies", "AdminPolicies", on_policies},
  route{"GET", "/admin/policies/{bucket}", "AdminPolicy", on_policy},
  route{"POST", "/admin/policies/{bucket}", "AdminSetPolicy", on_set_policy},
  route{"POST", "/admin/policies/{bucket}/remove", "AdminRemovePolicy", on_remove_policy},
};

} // namespace

std::span<const route> identity_routes() { return routes; }

} // namespace troupe::admin
