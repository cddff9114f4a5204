#include "core/identity/snapshot.hpp"

#include "core/tables.hpp"
#include "identity.pb.h"

namespace troupe::identity {

namespace {

constexpr std::size_t flaws_max = 20;

void add_user(snapshot& s, const std::string& name, const pb::user_record& r) {
  user u{.roles = {}, .disabled = r.disabled(), .created = r.created_ms()};
  for (const auto& word : r.roles())
    if (const auto known = role_named(word)) u.roles.add(*known);
  s.users.emplace(name, u);
}

void add_policy(snapshot& s, const std::string& name, const pb::policy_record& r, std::string& flaw) {
  auto parsed = policy::parse(r.document());
  if (!parsed) flaw = "the policy of " + name + " does not parse, its buckets are closed: " + parsed.error().message;
  auto shared = std::make_shared<const policy>(parsed ? std::move(*parsed) : policy::closed());
  s.policies.emplace(name, shared);
  s.documents.emplace(
    name, stored_policy{.document = r.document(), .parsed = std::move(shared), .changed = r.changed_ms()});
}

void add_key(snapshot& s, const std::string& id, const pb::access_key_record& r,
  const std::optional<master_key>& master, std::string& flaw) {
  const auto kind = key_kind_named(r.kind());
  if (!kind) return; // of a newer process
  access_key k{.user = r.user(), .kind = *kind, .secret = r.secret(), .created = r.created_ms()};
  if (*kind == key_kind::sigv4) {
    k.secret.clear();
    if (!master) {
      flaw = "key " + id + " can not be used here: this process has no master key";
    } else if (master->fingerprint() != r.sealed_by()) {
      flaw =
        "key " + id + " was sealed with master key " + r.sealed_by() + ", this process has " + master->fingerprint();
    } else if (auto secret = unseal(*master, r.secret(), seal_context(id, r.user()))) {
      k.secret = std::move(*secret);
    } else {
      flaw = "key " + id + ": " + secret.error().message;
    }
  }
  s.keys.emplace(id, std::move(k));
}

template <class Record>
bool parse(const std::string& value, Record& r, std::string& flaw) {
  if (r.ParseFromString(value)) return true;
  flaw = "a row of table identity does not parse";
  return false;
}

} // namespace

std::string_view to_string(key_kind k) noexcept { return k == key_kind::sigv4 ? "sigv4" : "api"; }

std::optional<key_kind> key_kind_named(std::string_view name) {
  if (name == "sigv4") return key_kind::sigv4;
  if (name == "api") return key_kind::api;
  return std::nullopt;
}

std::string seal_context(std::string_view key_id, std::string_view user) {
  return "troupe access key\n" + std::string{key_id} + "\n" + std::string{user};
}

std::string digest_of_secret(std::string_view secret) {
  const auto digest = sha256(as_bytes(secret));
  return std::string{as_text(bytes_view{digest})};
}

snapshot snapshot::make(
  const std::vector<std::pair<std::string, std::string>>& rows, const std::optional<master_key>& master) {
  snapshot s;
  for (const auto& [row, value] : rows) {
    if (row.size() < 2 || row[0] != tables::identity) continue;
    const auto name = row.substr(2);
    std::string flaw;
    if (row[1] == user_rows) {
      if (pb::user_record r; parse(value, r, flaw)) add_user(s, name, r);
    } else if (row[1] == key_rows) {
      if (pb::access_key_record r; parse(value, r, flaw)) add_key(s, name, r, master, flaw);
    } else if (row[1] == policy_rows) {
      pb::policy_record r;
      if (!parse(value, r, flaw)) r.set_document("damaged"); // and so closed
      add_policy(s, name, r, flaw);
    } else if (row[1] == version_row) {
      pb::identity_version v;
      if (parse(value, v, flaw)) s.version = v.number();
      s.version_value = value;
    }
    if (!flaw.empty() && s.flaws.size() < flaws_max) s.flaws.push_back(std::move(flaw));
  }
  return s;
}

const access_key* snapshot::usable(std::string_view key_id) const {
  const auto key = keys.find(key_id);
  if (key == keys.end()) return nullptr;
  const auto owner = users.find(key->second.user);
  return owner == users.end() || owner->second.disabled ? nullptr : &key->second;
}

std::shared_ptr<const snapshot> holder::get() const {
  const std::lock_guard lock{mutex_};
  return current_;
}

void holder::set(std::shared_ptr<const snapshot> next) {
  const std::lock_guard lock{mutex_};
  current_.swap(next); // the old one ends outside the lock
}

} // namespace troupe::identity
