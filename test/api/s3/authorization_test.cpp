// Who may do what on the S3 surface: users with roles, bucket policies, tokens and API keys.
#include "s3_fixture.hpp"

#include "support/known_users.hpp"
#include "support/print_result.hpp"

#include <set>

using namespace troupe;
using namespace troupe::test;

namespace {

struct users_fixture : s3_fixture, known_users {
  users_fixture() : known_users(s3_fixture::known) {
    put("/bkt/k", "content");
    put("/bkt/secret/k", "hidden");
  }
  answer as(const std::string& user, std::string_view method, std::string_view target, fields headers = {},
    std::string_view body = {}) {
    const auto key = "TK" + user;
    return call(method, target, std::move(headers), body, {.key = key, .secret = known_users::secret});
  }
};

} // namespace

TEST_CASE("a reader reads and lists, and changes nothing") {
  users_fixture f;
  CHECK(f.as("reader", "GET", "/bkt/k").body == "content");
  CHECK(f.as("reader", "HEAD", "/bkt/k").status == 200);
  CHECK(f.as("reader", "GET", "/bkt?list-type=2").status == 200);
  CHECK(f.as("reader", "GET", "/").body.find("<Name>bkt</Name>") != std::string::npos);
  const std::vector<std::pair<std::string, std::string>> writes{{"PUT", "/bkt/k"}, {"DELETE", "/bkt/k"},
    {"POST", "/bkt/k?uploads"}, {"PUT", "/new"}, {"DELETE", "/bkt"},
    {"PUT", "/bkt/k?partNumber=1&uploadId=00000000000000000000000000000000"},
    {"DELETE", "/bkt/k?uploadId=00000000000000000000000000000000"}};
  for (const auto& [method, target] : writes) {
    const auto a = f.as("reader", method, target);
    INFO(method << " " << target);
    CHECK(a.status == 403);
    CHECK(f.code(a) == "AccessDenied");
    f.reconnect();
  }
  CHECK(f.get("/bkt/k").body == "content");
}

TEST_CASE("a writer writes and deletes objects, and makes no buckets") {
  users_fixture f;
  CHECK(f.as("writer", "PUT", "/bkt/new", {}, "mine").status == 200);
  CHECK(f.as("writer", "DELETE", "/bkt/new").status == 204);
  CHECK(f.as("writer", "PUT", "/another").status == 403);
  f.policy("team-*", R"({"effect":"allow","principals":["role:writer"],"actions":["admin"]})");
  CHECK(f.as("writer", "PUT", "/team-1").status == 200);
  CHECK(f.as("writer", "PUT", "/another").status == 403);
}

TEST_CASE("keys of users that are disabled or gone are unknown keys") {
  users_fixture f;
  CHECK(f.code(f.as("left", "GET", "/bkt/k")) == "InvalidAccessKeyId");
  CHECK(f.as("reader", "GET", "/bkt/k").status == 200);
  f.all.keys.erase("TKreader");
  f.publish();
  CHECK(f.code(f.as("reader", "GET", "/bkt/k")) == "InvalidAccessKeyId");
  CHECK(f.get("/bkt/k").status == 200); // the built-in admin stays
}

TEST_CASE("a policy opens a prefix to one without a role, and no more") {
  users_fixture f;
  CHECK(f.as("nobody", "GET", "/bkt/k").status == 403);
  CHECK(f.as("nobody", "GET", "/").body.find("<Name>") == std::string::npos);
  CHECK(f.as("nobody", "HEAD", "/bkt").status == 403);
  f.put("/bkt/public/a", "open");
  f.policy(
    "bkt", R"({"effect":"allow","principals":["user:nobody"],"actions":["read","list","write"],"keys":["public/*"]})");
  CHECK(f.as("nobody", "GET", "/bkt/public/a").body == "open");
  CHECK(f.as("nobody", "GET", "/").body.find("<Name>bkt</Name>") != std::string::npos);
  CHECK(f.as("nobody", "HEAD", "/bkt").status == 200);
  CHECK(f.as("nobody", "GET", "/bkt?list-type=2&prefix=public/").status == 200);
  CHECK(f.as("nobody", "GET", "/bkt?list-type=2").status == 403);
  CHECK(f.as("nobody", "GET", "/bkt?list-type=2&prefix=publi").status == 403);
  CHECK(f.as("nobody", "PUT", "/bkt/public/b", {}, "x").status == 200);
  CHECK(f.as("nobody", "DELETE", "/bkt/public/b").status == 403);
  for (const auto* path : {"/bkt/k", "/bkt//public/a", "/bkt/./public/a", "/bkt/Public/a"}) {
    INFO(path);
    CHECK(f.as("nobody", "GET", path).status == 403);
  }
  // Encoded differently, the same key; with dots in it, a key of its own.
  CHECK(f.as("nobody", "GET", "/bkt/public%2Fa").body == "open");
  const auto dots = f.as("nobody", "GET", "/bkt/public/../secret/k");
  CHECK(dots.status == 404);
  CHECK(dots.body.find("hidden") == std::string::npos);
}

TEST_CASE("a deny holds against roles, copies, batches and presigned URLs") {
  users_fixture f;
  f.policy("bkt", R"({"effect":"deny","principals":["role:writer"],"actions":["*"],"keys":["secret/*"]})");
  CHECK(f.as("writer", "GET", "/bkt/secret/k").status == 403);
  CHECK(f.as("writer", "PUT", "/bkt/secret/k", {}, "x").status == 403);
  f.reconnect();
  for (const auto* source : {"/bkt/secret/k", "bkt/secret%2Fk", "bkt/%73ecret/k"}) {
    const auto copied = f.as("writer", "PUT", "/bkt/copy", {{"x-amz-copy-source", source}});
    INFO(source);
    CHECK(copied.status == 403);
    CHECK(f.code(copied) == "AccessDenied");
  }
  const std::string body = "<Delete><Object><Key>secret/k</Key></Object><Object><Key>k</Key></Object></Delete>";
  const auto deleted = f.as("writer", "POST", "/bkt?delete",
    {{"Content-MD5",
      [&] {
        const auto d = md5(as_bytes(body));
        return base64_encode(bytes_view{d});
      }()}},
    body);
  CHECK(deleted.status == 200);
  CHECK(deleted.body.find("<Error><Key>secret/k</Key><Code>AccessDenied</Code>") != std::string::npos);
  CHECK(deleted.body.find("<Deleted><Key>k</Key>") != std::string::npos);
  CHECK(f.get("/bkt/secret/k").body == "hidden");
  const std::vector<header_view> host{{"Host", "localhost:9000"}};
  for (const auto& [path, status] : {std::pair{"/bkt/secret/k", 403}, std::pair{"/bkt/other", 404}}) {
    const auto query = presign({.method = "GET", .path = path, .query = {}, .headers = host},
      {.access_key = "TKwriter", .secret_key = "secret-of-a-user"}, 60, f.clock.at);
    CHECK(f.raw("GET", std::string{path} + "?" + query).status == status);
  }
  CHECK(f.as("writer", "GET", "/bkt?list-type=2").status == 403); // would show denied names
  CHECK(f.as("writer", "GET", "/bkt?list-type=2&prefix=public").status == 200);
}

TEST_CASE("an API key is its user") {
  users_fixture f;
  const auto with = [&](std::string_view method, std::string_view target, const std::string& key, fields more = {},
                      std::string_view body = {}) {
    more.insert(more.begin(), {{"Host", "localhost:9000"}, {"X-API-Key", key}});
    return f.raw(method, target, more, body);
  };
  CHECK(with("GET", "/bkt/k", "TAreader.api-secret").body == "content");
  CHECK(with("PUT", "/bkt/k2", "TAwriter.api-secret", {}, "x").status == 200);
  CHECK(with("PUT", "/bkt/k2", "TAreader.api-secret", {}, "x").status == 403);
  f.reconnect();
  for (const std::string key : {"TAreader.api-secreT", "TAreader.", "TAreader", "", ".api-secret", "TAleft.api-secret",
         "TKreader.secret-of-a-user", "TAother.api-secret"}) {
    INFO(key);
    CHECK(with("GET", "/bkt/k", key).status == 403);
  }
  // One proof a request.
  CHECK(with("GET", "/bkt/k", "TAreader.api-secret", {{"Authorization", "Bearer x"}}).status == 400);
  CHECK(with("GET", "/bkt/k", "TAreader.api-secret", {{"X-API-Key", "TAreader.api-secret"}}).status == 400);
  // A digest of the content is checked all the same.
  CHECK(
    with("PUT", "/bkt/k2", "TAwriter.api-secret", {{"x-amz-content-sha256", std::string(64, '0')}}, "x").status == 400);
  f.reconnect();
  CHECK(
    with("PUT", "/bkt/k2", "TAwriter.api-secret", {{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}, "x")
      .status == 400);
}

TEST_CASE("a token is its subject, while it is valid and of the issuer") {
  fixed_keys keys;
  identity_gate* gate = nullptr;
  set_clock clock;
  const auto known = std::make_shared<identity::holder>();
  known->set(std::make_shared<const identity::snapshot>());
  identity_gate with_tokens{{.root_key = "ROOT",
    .root_secret = "root-secret",
    .known = known,
    .keys = std::shared_ptr<token_keys>{std::shared_ptr<void>{}, &keys},
    .tokens = {.issuer = "https://issuer", .audience = "troupe"},
    .clock = &clock}};
  gate = &with_tokens;
  const auto seconds = clock.at / 1000;
  const auto payload = [&](const std::string& more) {
    return R"({"iss":"https://issuer","aud":"troupe","sub":"alice","roles":["reader"],"exp":)" +
      std::to_string(seconds + 60) + more + "}";
  };
  const auto who = gate->of_token(issuer().rs256(payload("")));
  REQUIRE(who);
  CHECK(who->text() == "jwt:alice");
  CHECK(gate->allows(*who, {.action = identity::action::read, .bucket = "b", .key = "k"}));
  CHECK_FALSE(gate->allows(*who, {.action = identity::action::write, .bucket = "b", .key = "k"}));
  CHECK(gate->of_token(issuer().es256(payload(""))));
  CHECK_FALSE(gate->of_token(issuer().rs256(payload(R"(,"aud":"other")"))));
  CHECK_FALSE(gate->of_token(issuer().rs256(payload(R"(,"iss":"https://other")"))));
  CHECK_FALSE(gate->of_token(issuer().rs256(payload(R"(,"exp":1)"))));
  CHECK_FALSE(gate->of_token(token_maker::hs256(payload(""), R"({"alg":"HS256","kid":"r1"})", issuer().rsa_modulus())));
  CHECK_FALSE(gate->of_token(base64url(R"({"alg":"none"})") + "." + base64url(payload("")) + "."));
  CHECK(keys.misses == 0);
  CHECK_FALSE(gate->of_token(issuer().rs256(payload(""), R"({"alg":"RS256","kid":"new"})")));
  CHECK(keys.misses == 1); // the issuer may have a new key
}
