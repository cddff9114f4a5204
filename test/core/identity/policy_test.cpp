#include "core/identity/policy.hpp"

#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::identity;

namespace {

principal user(const std::string& name, std::initializer_list<role> roles = {}) {
  principal p{.kind = principal::kinds::user, .name = name, .roles = {}, .key = {}};
  for (auto r : roles) p.roles.add(r);
  return p;
}
const principal root{.kind = principal::kinds::root, .name = {}, .roles = {}, .key = {}};

void put(policies& all, const std::string& bucket, const std::string& statements) {
  all[bucket] = std::make_shared<const policy>(policy::parse(R"({"statements":[)" + statements + "]}").value());
}

bool may(const policies& all, const principal& who, action a, std::string_view bucket, std::string_view key) {
  return decide(who, all, {.action = a, .bucket = bucket, .key = key});
}

} // namespace

TEST_CASE("what roles allow is this table") {
  // read, list, write, delete, admin
  const std::map<std::string, std::array<bool, 5>> table{{"none", {false, false, false, false, false}},
    {"reader", {true, true, false, false, false}}, {"writer", {true, true, true, true, false}},
    {"admin", {true, true, true, true, true}}};
  for (const auto& [name, allowed] : table) {
    auto who = user("a");
    if (const auto r = role_named(name)) who.roles.add(*r);
    for (std::size_t i = 0; i < allowed.size(); ++i)
      for (const auto* bucket : {"", "bkt"}) {
        INFO(name << " " << to_string(all_actions[i]) << " '" << bucket << "'");
        CHECK(may({}, who, all_actions[i], bucket, "key") == allowed[i]);
        CHECK(may({}, root, all_actions[i], bucket, "key"));
      }
  }
}

TEST_CASE("deny wins, then a role or an allow, else no: every combination") {
  for (const bool has_role : {false, true})
    for (const bool has_allow : {false, true})
      for (const bool has_deny : {false, true})
        for (const bool deny_elsewhere : {false, true}) {
          policies all;
          std::string statements;
          const auto add = [&](const char* effect) {
            statements += (statements.empty() ? "" : ",") + std::string{R"({"effect":")"} + effect +
              R"(","principals":["user:a"],"actions":["read"]})";
          };
          if (has_allow) add("allow");
          if (has_deny && !deny_elsewhere) add("deny");
          put(all, "bkt", statements);
          // The same deny by another policy that covers the bucket.
          if (has_deny && deny_elsewhere)
            put(all, "b*", R"({"effect":"deny","principals":["*"],"actions":["*"],"keys":["k*"]})");
          const auto who = has_role ? user("a", {role::reader}) : user("a");
          INFO(has_role << has_allow << has_deny << deny_elsewhere);
          CHECK(may(all, who, action::read, "bkt", "key") == ((has_role || has_allow) && !has_deny));
          CHECK(may(all, root, action::read, "bkt", "key"));
        }
}

TEST_CASE("a deny is stronger than the role admin") {
  policies all;
  put(all, "bkt", R"({"effect":"deny","principals":["*"],"actions":["delete"],"keys":["kept/*"]})");
  const auto boss = user("boss", {role::admin});
  CHECK_FALSE(may(all, boss, action::remove, "bkt", "kept/1"));
  CHECK(may(all, boss, action::remove, "bkt", "other"));
  CHECK(may(all, boss, action::remove, "bkt2", "kept/1"));
}

TEST_CASE("a statement is for whom it names, and for nobody of another kind") {
  policies all;
  put(all, "bkt", R"({"effect":"allow","principals":["user:alice","role:writer","jwt:bob"],"actions":["admin"]})");
  const auto may_admin = [&](const principal& who) { return may(all, who, action::admin, "bkt", {}); };
  CHECK(may_admin(user("alice")));
  CHECK_FALSE(may_admin(user("alice2")));
  CHECK_FALSE(may_admin(user("bob"))); // the token's bob is another one
  auto bob = user("bob");
  bob.kind = principal::kinds::token;
  CHECK(may_admin(bob));
  auto alice = user("alice");
  alice.kind = principal::kinds::token;
  CHECK_FALSE(may_admin(alice));
  CHECK(may_admin(user("x", {role::writer})));
  CHECK_FALSE(may_admin(user("x", {role::reader})));
  CHECK_FALSE(may(all, user("alice"), action::read, "bkt", {})); // another action
  CHECK_FALSE(may(all, user("alice"), action::admin, "", {}));   // no bucket's policy speaks for the cluster
}

TEST_CASE("a prefix of keys is a prefix of bytes, and no path") {
  policies all;
  put(all, "bkt", R"({"effect":"allow","principals":["*"],"actions":["read"],"keys":["public/*","exact"]})");
  const auto reads = [&](std::string_view key) { return may(all, user("a"), action::read, "bkt", key); };
  CHECK(reads("public/"));
  CHECK(reads("public/x"));
  CHECK(reads("exact"));
  for (const std::string_view key : {"", "public", "Public/x", "/public/x", "./public/x", "x/../public/x", "publicity",
         "secret", "exact/", "exact2", "exac", "%70ublic/x", "public%2fx", "public\\x"}) {
    INFO(key);
    CHECK_FALSE(reads(key));
  }
  // A key of its own: the store does not walk up to "secret" either.
  CHECK(reads("public/../secret"));
}

TEST_CASE("a deny of keys can not be walked around") {
  policies all;
  put(all, "bkt", R"({"effect":"deny","principals":["*"],"actions":["*"],"keys":["secret/*"]})");
  const auto who = user("a", {role::writer});
  CHECK_FALSE(may(all, who, action::read, "bkt", "secret/x"));
  CHECK_FALSE(may(all, who, action::write, "bkt", "secret/"));
  CHECK(may(all, who, action::read, "bkt", "secret"));
  CHECK(may(all, who, action::read, "bkt", "public/../secret/x")); // another key
}

TEST_CASE("a listing that would show a denied name is refused") {
  policies all;
  put(all, "bkt", R"({"effect":"deny","principals":["*"],"actions":["list"],"keys":["secret/*","hidden"]})");
  const auto lists = [&](std::string_view prefix) {
    return may(all, user("a", {role::reader}), action::list, "bkt", prefix);
  };
  for (const std::string_view prefix : {"", "s", "secret", "secret/", "secret/deep", "h", "hidden"}) {
    INFO(prefix);
    CHECK_FALSE(lists(prefix));
  }
  for (const std::string_view prefix : {"public", "secrets", "hidden2", "t"}) {
    INFO(prefix);
    CHECK(lists(prefix));
  }
}

TEST_CASE("a listing is allowed only when every name of it is") {
  policies all;
  put(all, "bkt", R"({"effect":"allow","principals":["*"],"actions":["list"],"keys":["public/*"]})");
  const auto lists = [&](std::string_view prefix) { return may(all, user("a"), action::list, "bkt", prefix); };
  CHECK(lists("public/"));
  CHECK(lists("public/deep/"));
  CHECK_FALSE(lists(""));
  CHECK_FALSE(lists("pub"));
  CHECK_FALSE(lists("public"));
}

TEST_CASE("a bucket is shown to those who may do anything in it") {
  policies all;
  put(all, "team-*", R"({"effect":"allow","principals":["user:a"],"actions":["read"],"keys":["x/*"]})");
  put(all, "team-secret", R"({"effect":"deny","principals":["*"],"actions":["*"]})");
  CHECK(may_see(user("a"), all, "team-1"));
  CHECK_FALSE(may_see(user("b"), all, "team-1"));
  CHECK(may_see(user("b", {role::reader}), all, "team-1"));
  CHECK_FALSE(may_see(user("a"), all, "other"));
  CHECK_FALSE(may_see(user("a"), all, "team-secret"));
  CHECK_FALSE(may_see(user("b", {role::admin}), all, "team-secret"));
  CHECK(may_see(root, all, "team-secret"));
}

TEST_CASE("a policy that does not say what it means is refused, and says why") {
  const std::string good = R"({"effect":"allow","principals":["*"],"actions":["read"]})";
  REQUIRE(policy::parse(R"({"statements":[)" + good + "]}"));
  REQUIRE(policy::parse(R"({"statements":[]})"));
  std::string many = good;
  for (int i = 0; i < 64; ++i) many += "," + good;
  for (const auto& bad : {std::string{}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"statements":{}})"},
         R"({"Statement":[)" + good + "]}", R"({"statements":[)" + good + R"(],"version":1})",
         R"({"statements":[)" + many + "]}", std::string{R"({"statements":[7]})"},
         std::string{R"({"statements":[{"effect":"Allow","principals":["*"],"actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":[],"actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["alice"],"actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["user:"],"actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["role:king"],"actions":["read"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["*"],"actions":["s3:GetObject"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["*"],"actions":["read"],"keys":["*.jpg"]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["*"],"actions":["read"],"keys":[""]}]})"},
         std::string{R"({"statements":[{"effect":"allow","principals":["*"],"actions":["read"],"key":["a"]}]})"},
         std::string(17 << 10, ' ')}) {
    const auto p = policy::parse(bad);
    INFO(bad.substr(0, 200));
    REQUIRE_FALSE(p);
    CHECK(p.error().code == ec::bad_argument);
  }
  CHECK(policy::parse(R"({"statements":[)" + good + R"(,{"effect":"maybe"}]})").error().message.find("statement 2") !=
    std::string::npos);
}

TEST_CASE("names of users and patterns of buckets are checked") {
  CHECK(is_user_name("alice@example.org"));
  for (const std::string name : {"", "a b", "a/b", "a:b", "a*", "ä"}) CHECK_FALSE(is_user_name(name));
  CHECK_FALSE(is_user_name(std::string(65, 'a')));
  for (const std::string name : {"*", "photos", "team-*", ".files"}) CHECK(is_bucket_pattern(name));
  for (const std::string name : {"", "a*b", "**", "a/b", "Photos"}) CHECK_FALSE(is_bucket_pattern(name));
}
