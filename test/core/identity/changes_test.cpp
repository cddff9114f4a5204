// Changes, applied by the real metadata machine, and read back as snapshots.
#include "core/identity/changes.hpp"

#include "core/metadata_machine.hpp"
#include "core/tables.hpp"
#include "store/state.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::identity;

namespace {

struct identities {
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  std::uint64_t index = 0;
  std::optional<master_key> master = master_key::parse(std::string(64, '1')).value();

  snapshot look(bool with_master = true) const {
    pb::list_request request;
    request.set_prefix(std::string(1, tables::identity));
    request.set_limit(1000);
    const auto page = metadata_machine{*rows}.list(request).value();
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& e : page.entries()) all.emplace_back(e.key(), e.value());
    return snapshot::make(all, with_master ? master : std::nullopt);
  }
  bool commit(result<pb::batch> batch) {
    REQUIRE(batch);
    pb::log_entry entry;
    *entry.add_batches() = *batch;
    return metadata_machine{*rows}.apply(entry, ++index).value().front().value().applied();
  }
  result<pb::batch> key(
    const snapshot& s, const std::string& id, const std::string& owner, key_kind kind, const std::string& secret) {
    return add_key(s, {.id = id, .user = owner, .kind = kind, .secret = secret}, master, system_entropy(), 5);
  }
};

role_set reader() {
  role_set r;
  r.add(role::reader);
  return r;
}

} // namespace

TEST_CASE("a user with keys is there, can be disabled, and goes with their keys") {
  identities ids;
  REQUIRE(ids.commit(add_user(ids.look(), "alice", reader(), 7)));
  REQUIRE(ids.commit(ids.key(ids.look(), "TK1", "alice", key_kind::sigv4, "the-secret-of-alice")));
  REQUIRE(ids.commit(ids.key(ids.look(), "TA1", "alice", key_kind::api, "the-api-secret")));
  auto s = ids.look();
  CHECK(s.version == 3);
  CHECK(s.users.at("alice").roles == reader());
  CHECK(s.users.at("alice").created == 7);
  REQUIRE(s.usable("TK1") != nullptr);
  CHECK(s.usable("TK1")->secret == "the-secret-of-alice");
  CHECK(s.usable("TA1")->secret == digest_of_secret("the-api-secret"));
  CHECK(s.flaws.empty());
  REQUIRE(ids.commit(set_disabled(s, "alice", true)));
  CHECK(ids.look().usable("TK1") == nullptr);
  REQUIRE(ids.commit(set_disabled(ids.look(), "alice", false)));
  REQUIRE(ids.commit(revoke_key(ids.look(), "TA1")));
  CHECK(ids.look().usable("TA1") == nullptr);
  CHECK(ids.look().usable("TK1") != nullptr);
  REQUIRE(ids.commit(remove_user(ids.look(), "alice")));
  CHECK(ids.look().users.empty());
  CHECK(ids.look().keys.empty());
}

TEST_CASE("no secret is in any row") {
  identities ids;
  REQUIRE(ids.commit(add_user(ids.look(), "alice", {}, 1)));
  auto sigv4 = ids.key(ids.look(), "TK1", "alice", key_kind::sigv4, "the-secret-of-alice").value();
  auto api = ids.key(ids.look(), "TA1", "alice", key_kind::api, "the-api-secret").value();
  CHECK(sigv4.SerializeAsString().find("the-secret") == std::string::npos);
  CHECK(api.SerializeAsString().find("the-api-secret") == std::string::npos);
}

TEST_CASE("of two changes that were made from the same look one is refused") {
  identities ids;
  const auto s = ids.look();
  auto first = add_user(s, "alice", {}, 1), second = add_user(s, "bob", {}, 1);
  REQUIRE(ids.commit(std::move(first)));
  CHECK_FALSE(ids.commit(std::move(second)));
  const auto later = ids.look();
  auto third = add_user(later, "bob", {}, 1), fourth = remove_user(later, "alice");
  REQUIRE(ids.commit(std::move(third)));
  CHECK_FALSE(ids.commit(std::move(fourth)));
}

TEST_CASE("a sealed secret that was moved to another user's key does not open") {
  identities ids;
  REQUIRE(ids.commit(add_user(ids.look(), "alice", {}, 1)));
  REQUIRE(ids.commit(add_user(ids.look(), "mallory", {}, 1)));
  auto batch = ids.key(ids.look(), "TK1", "alice", key_kind::sigv4, "the-secret-of-alice").value();
  // The same row under another key's name.
  batch.mutable_operations(1)->set_key(tables::identity_row(key_rows, "TK2"));
  REQUIRE(ids.commit(batch));
  const auto s = ids.look();
  CHECK(s.keys.at("TK2").secret.empty());
  REQUIRE(s.flaws.size() == 1);
  CHECK(s.flaws[0].find("TK2") != std::string::npos);
}

TEST_CASE("without its master key a SigV4 key is there and can not be used, an API key can") {
  identities ids;
  REQUIRE(ids.commit(add_user(ids.look(), "alice", {}, 1)));
  REQUIRE(ids.commit(ids.key(ids.look(), "TK1", "alice", key_kind::sigv4, "the-secret-of-alice")));
  REQUIRE(ids.commit(ids.key(ids.look(), "TA1", "alice", key_kind::api, "the-api-secret")));
  const auto s = ids.look(false);
  CHECK(s.keys.at("TK1").secret.empty());
  CHECK_FALSE(s.keys.at("TA1").secret.empty());
  CHECK(s.flaws.size() == 1);
  ids.master = master_key::parse(std::string(64, '2')).value();
  CHECK(ids.look().keys.at("TK1").secret.empty());
  ids.master.reset();
  CHECK(ids.key(ids.look(), "TK3", "alice", key_kind::sigv4, "x").error().code == ec::not_implemented);
}

TEST_CASE("a policy is what was set; one that can not be read closes its bucket") {
  identities ids;
  const auto document = R"({"statements":[{"effect":"allow","principals":["*"],"actions":["read"]}]})";
  REQUIRE(ids.commit(set_policy(ids.look(), "bkt", document, 9)));
  const principal who{.kind = principal::kinds::user, .name = "a", .roles = reader(), .key = {}};
  const principal root{.kind = principal::kinds::root, .name = {}, .roles = {}, .key = {}};
  CHECK(decide({.kind = principal::kinds::user, .name = "a"}, ids.look().policies,
    {.action = action::read, .bucket = "bkt", .key = "k"}));
  CHECK(set_policy(ids.look(), "bkt", "{}", 9).error().code == ec::bad_argument);
  CHECK(set_policy(ids.look(), "a/b", document, 9).error().code == ec::bad_argument);
  CHECK(remove_policy(ids.look(), "other").error().code == ec::not_found);
  // As a newer version of the document might be.
  auto strange = set_policy(ids.look(), "bkt", document, 9).value();
  strange.mutable_operations(1)->set_value("\xff not a record");
  REQUIRE(ids.commit(strange));
  const auto s = ids.look();
  CHECK_FALSE(decide(who, s.policies, {.action = action::read, .bucket = "bkt", .key = "k"}));
  CHECK(decide(who, s.policies, {.action = action::read, .bucket = "other", .key = "k"}));
  CHECK(decide(root, s.policies, {.action = action::read, .bucket = "bkt", .key = "k"}));
  CHECK(s.flaws.size() == 1);
  REQUIRE(ids.commit(remove_policy(s, "bkt")));
  CHECK(ids.look().documents.empty());
}

TEST_CASE("what is not there can not be changed, and what is there not be added") {
  identities ids;
  REQUIRE(ids.commit(add_user(ids.look(), "alice", {}, 1)));
  const auto s = ids.look();
  CHECK(add_user(s, "alice", {}, 1).error().code == ec::conflict);
  CHECK(add_user(s, "no/name", {}, 1).error().code == ec::bad_argument);
  CHECK(remove_user(s, "bob").error().code == ec::not_found);
  CHECK(set_roles(s, "bob", {}).error().code == ec::not_found);
  CHECK(set_disabled(s, "bob", true).error().code == ec::not_found);
  CHECK(ids.key(s, "TK1", "bob", key_kind::api, "x").error().code == ec::not_found);
  CHECK(revoke_key(s, "TK1").error().code == ec::not_found);
  for (std::size_t i = 0; i < keys_of_user_max; ++i)
    REQUIRE(ids.commit(ids.key(ids.look(), "TA" + std::to_string(i), "alice", key_kind::api, "x")));
  CHECK(ids.key(ids.look(), "TA0", "alice", key_kind::api, "x").error().code == ec::conflict);
  CHECK(ids.key(ids.look(), "one-more", "alice", key_kind::api, "x").error().code == ec::too_large);
}
