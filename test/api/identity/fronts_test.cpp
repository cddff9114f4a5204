// Who may do what at the front doors beside S3: every route of each, for every role, by each kind of proof.
#include "fronts_fixture.hpp"

#include "api/directory/directory.hpp"
#include "api/files/files.hpp"
#include "api/s3db/s3db.hpp"
#include "api/storage/storage.hpp"

using namespace troupe;
using namespace troupe::test;
using identity::action;

namespace {

const std::string file_id(32, 'a');

front storage_front() {
  return {"storage", "troupe",
    [](surface_context c) {
      auto surveyor = c.surveyor;
      return storage::make_handler({.context = std::move(c), .surveyor = surveyor});
    },
    [](const http::request*, const error& e, int& status, std::string_view id, std::string& type) {
      return storage::render_error(e, status, id, type, 0);
    }};
}
front directory_front() { return {"directory", "troupe", directory::make_handler, directory::render_error}; }
front files_front() { return {"files", "troupe", files::make_handler, files::render_error}; }
front s3db_front() { return {"s3db", "s3db", s3db::make_handler, s3db::render_error}; }

struct use {
  std::string method, target;
  action needs;
  std::string body = {};
};
struct front_uses {
  front door;
  std::vector<use> uses;
  use look;                      // one that a reader may
  std::vector<std::string> open; // paths for everybody
  std::string denied;            // what an error of 403 has in its body
};

std::vector<front_uses> all_fronts() {
  return {{storage_front(),
            {{"POST", "/storage/buckets", action::admin, R"({"name": "made-by-post"})"},
              {"GET", "/storage/buckets/photos", action::list}, {"PUT", "/storage/buckets/made", action::admin},
              {"GET", "/storage/buckets/photos/objects", action::list},
              {"PUT", "/storage/buckets/photos/objects/k", action::write, "x"},
              {"GET", "/storage/buckets/photos/objects/k", action::read},
              {"HEAD", "/storage/buckets/photos/objects/k", action::read},
              {"DELETE", "/storage/buckets/photos/objects/k", action::remove},
              {"GET", "/storage/cluster/status", action::read}, {"GET", "/buckets/photos", action::list},
              {"PUT", "/buckets/made", action::admin}, {"PUT", "/buckets/photos/k", action::write, "x"},
              {"GET", "/buckets/photos/k", action::read}, {"DELETE", "/buckets/photos/k", action::remove},
              {"DELETE", "/buckets/secrets", action::admin}, {"DELETE", "/storage/buckets/photos", action::admin}},
            {"GET", "/storage/buckets/photos/objects/k", action::read}, {}, R"("code":"access_denied")"},
    {directory_front(),
      {{"PUT", "/put?key=k&value=v", action::write}, {"PUT", "/put?key=k", action::write, "v"},
        {"GET", "/get/k", action::read}, {"GET", "/get/a/b", action::read}, {"DELETE", "/delete/k", action::remove},
        {"GET", "/buckets/0/health", action::list}, {"GET", "/buckets/0/keys", action::list},
        {"PUT", "/buckets/0/put?key=k&value=v", action::write}, {"GET", "/buckets/0/get/k", action::read},
        {"DELETE", "/buckets/0/delete/k", action::remove}},
      {"GET", "/get/k", action::read}, {"/health", "/docs", "/openapi.json"}, R"({"detail":)"},
    {files_front(),
      {{"POST", "/files", action::write, "x"}, {"GET", "/files", action::list},
        {"PUT", "/files/" + file_id, action::write, "x"}, {"GET", "/files/" + file_id, action::read},
        {"DELETE", "/files/" + file_id, action::remove}, {"GET", "/admin/replicas", action::admin},
        {"GET", "/admin/replicas/" + file_id, action::admin}, {"GET", "/admin/wal", action::admin},
        {"GET", "/admin/wal/active", action::admin}, {"POST", "/admin/wal/rotate", action::admin},
        {"POST", "/admin/wal/verify", action::admin}, {"POST", "/admin/wal/replay", action::admin}},
      {"GET", "/files", action::list}, {"/health", "/ready"}, R"("code":"access_denied")"},
    {s3db_front(),
      {{"POST", "/v1/put/t/k", action::write, "x"}, {"GET", "/v1/get/t/k", action::read},
        {"GET", "/v1/scan/t", action::list}, {"DELETE", "/v1/delete/t/k", action::remove},
        {"POST", "/v1/join", action::admin, R"({"node_id": "n", "addr": "a:1"})"}},
      {"GET", "/v1/get/t/k", action::read}, {"/status", "/health"}, R"("error":"AccessDenied")"}};
}

} // namespace

TEST_CASE("at every front door a reader reads, a writer writes, an admin administrates, and nobody else does") {
  const auto all = all_fronts();
  const auto& here = all[static_cast<std::size_t>(GENERATE(0, 1, 2, 3))];
  CAPTURE(here.door);
  fronts_fixture f{here.door};
  for (const auto* user : {"nobody", "reader", "writer", "admin"}) { // the strongest last: what they change stays
    const auto granted = identity::role_named(user);
    identity::role_set roles;
    if (granted) roles.add(*granted);
    for (const auto& u : here.uses) {
      const auto a = f.as(user, u.method, u.target, u.body);
      INFO(user << ": " << u.method << " " << u.target << ": " << a.status << " " << a.body);
      CHECK((a.status != 403) == roles.allow(u.needs));
      CHECK(a.status != 500);
      if (a.status != 403) continue;
      if (u.method != "HEAD") CHECK(a.body.find(here.denied) != std::string::npos);
      CHECK(f.last().principal == std::string{"user:"} + user);
      CHECK(f.last().action != "");
    }
  }
}

TEST_CASE("at every front door a request proves who sends it before anything is said") {
  const auto all = all_fronts();
  const auto& here = all[static_cast<std::size_t>(GENERATE(0, 1, 2, 3))];
  CAPTURE(here.door);
  fronts_fixture f{here.door};
  const auto& look = here.look;
  for (const auto& u : here.uses) CHECK(f.raw(u.method, u.target).status == 403);
  CHECK(f.raw("GET", "/nowhere").status == 403);
  CHECK(f.last().principal == "");
  for (const auto& path : here.open) CHECK(f.raw("GET", path).status != 403);
  CHECK(f.as("reader", "GET", "/nowhere").status == 404);
  CHECK(f.as("reader", "PATCH", look.target).status == 405);
  CHECK(f.as("left", look.method, look.target).status == 403); // disabled
  CHECK(f.as("reader", look.method, look.target, {}, {}, 16 * 60 * 1000).status == 403);

  CHECK(f.with_key("TAreader." + f.api_secret, look.method, look.target).status != 403);
  CHECK(f.last().principal == "user:reader");
  for (const auto* key :
    {"TAreader.api-secreT", "TAreader.", "TAreader", "", "TAleft.api-secret", "TKreader.secret-of-a-user"})
    CHECK(f.with_key(key, look.method, look.target).status == 403);

  const auto now = f.clock.now();
  CHECK(f.with_token(issuer().rs256(claims(now)), look.method, look.target).status != 403);
  CHECK(f.last().principal == "jwt:carol");
  const auto none = base64url(R"({"alg":"none"})") + "." + base64url(claims(now)) + ".";
  for (const auto& token :
    {issuer().rs256(claims(now, R"(,"exp":1)")), issuer().rs256(claims(now, R"(,"aud":"other")")),
      token_maker::hs256(claims(now), R"({"alg":"HS256","kid":"r1"})", issuer().rsa_modulus()), none, std::string{"x"}})
    CHECK(f.with_token(token, look.method, look.target).status == 403);

  const auto two =
    f.raw(look.method, look.target, {{"X-API-Key", "TAreader." + f.api_secret}, {"Authorization", "Bearer x"}});
  CHECK(two.status == (here.door.name == "s3db" ? 403 : 400));
  const std::vector<header_view> host{{"Host", "localhost"}};
  const auto presigned = presign({.method = look.method, .path = look.target, .query = {}, .headers = host},
    {.access_key = "TKreader", .secret_key = known_users::secret, .service = here.door.service}, 60, now);
  CHECK(f.raw(look.method, look.target + "?" + presigned).status == 403);
}

TEST_CASE("a policy opens what it names at every front door, and a deny wins over a role") {
  const auto all = all_fronts();
  const auto& here = all[static_cast<std::size_t>(GENERATE(0, 1, 2, 3))];
  CAPTURE(here.door);
  fronts_fixture f{here.door};
  const auto hidden = here.door.name == "storage" ? std::string{"photos"} : "." + here.door.name;
  const auto& look = here.look;
  CHECK(f.as("nobody", look.method, look.target).status == 403);
  f.policy(hidden, R"({"effect":"allow","principals":["user:nobody"],"actions":["read","list"]})");
  CHECK(f.as("nobody", look.method, look.target).status != 403);
  f.policy(hidden, R"({"effect":"deny","principals":["*"],"actions":["read","list"]})");
  for (const auto* user : {"nobody", "reader", "admin"}) CHECK(f.as(user, look.method, look.target).status == 403);
  f.policy("other*", R"({"effect":"allow","principals":["*"],"actions":["*"]})");
  f.all.policies.erase(hidden);
  f.publish();
  CHECK(f.as("nobody", look.method, look.target).status == 403);
}

TEST_CASE("policies of the hidden buckets speak of keys, table and key, and ids") {
  const auto deny = [](const char* action, const std::string& keys) {
    return std::string{R"({"effect":"deny","principals":["role:admin"],"actions":[")"} + action + R"("],"keys":[")" +
      keys + R"("]})";
  };
  {
    fronts_fixture f{directory_front()};
    f.policy(".directory", deny("write", "secret/*"));
    CHECK(f.as("admin", "PUT", "/put?key=secret/k&value=v").status == 403);
    CHECK(f.as("admin", "PUT", "/buckets/0/put?key=secret%2Fk&value=v").status == 403);
    CHECK(f.as("admin", "PUT", "/put?key=open/k&value=v").status != 403);
    const auto body = R"({"key": "secret/k", "value": "v"})";
    CHECK(f.raw("PUT", "/put", {{"X-API-Key", "TAadmin." + f.api_secret}, {"Content-Type", "application/json"}}, body)
            .status == 403);
    f.policy(".directory", deny("read", "secret/*"));
    CHECK(f.as("admin", "GET", "/get/secret%2Fk").status == 403);
    CHECK(f.as("admin", "DELETE", "/delete/secret/k").status == 403); // it would answer the value
    CHECK(f.as("admin", "GET", "/get/open").status != 403);
  }
  {
    fronts_fixture f{s3db_front()};
    CHECK(f.as("admin", "POST", "/v1/put/t/secret", "x").status == 201);
    CHECK(f.as("admin", "POST", "/v1/put/t/open", "x").status == 201);
    f.policy(".s3db", deny("read", "t/secret"));
    CHECK(f.as("admin", "GET", "/v1/get/t/secret").status == 403);
    CHECK(f.as("admin", "GET", "/v1/get/t/736563726574?encoding=hex").status == 403); // the same key
    CHECK(f.as("admin", "GET", "/v1/get/t/open").status == 200);
    CHECK(f.as("admin", "GET", "/v1/get/u/secret").status == 404);
    CHECK(f.as("admin", "GET", "/v1/scan/t").status == 403); // it would answer the value
    CHECK(f.as("admin", "GET", "/v1/scan/t?prefix=o").status == 200);
  }
  {
    fronts_fixture f{files_front()};
    f.policy(".files", deny("read", file_id));
    CHECK(f.as("admin", "GET", "/files/" + file_id).status == 403);
    CHECK(f.as("admin", "GET", "/files/" + std::string(32, 'b')).status == 404);
    CHECK(f.as("admin", "GET", "/admin/wal").status == 200);
    f.policy(".files", deny("admin", "*"));
    CHECK(f.as("admin", "GET", "/admin/wal").status == 403);
  }
}

TEST_CASE("/storage lists the buckets that its caller may see, and force deletes nothing that they may not") {
  fronts_fixture f{storage_front()};
  f.policy("photos", R"({"effect":"allow","principals":["user:nobody"],"actions":["read"],"keys":["public/*"]})");
  const auto mine = f.as("nobody", "GET", "/storage/buckets");
  CHECK(mine.status == 200);
  CHECK(mine.body.find("\"photos\"") != std::string::npos);
  CHECK(mine.body.find("\"secrets\"") == std::string::npos);
  CHECK(f.as("nobody", "GET", "/storage/buckets/photos").status == 200);
  CHECK(f.as("nobody", "GET", "/storage/buckets/secrets").status == 403);
  CHECK(f.as("nobody", "GET", "/buckets/photos/public/../k").status == 404); // a key that begins with public/
  CHECK(f.as("nobody", "GET", "/buckets/photos/k").status == 403);
  CHECK(f.as("nobody", "GET", "/storage/buckets/photos/objects?prefix=public/").status == 403); // read, and not list
  for (const auto* hidden : {".files", ".directory", ".s3db", ".shards"})
    CHECK(f.as("admin", "GET", "/storage/buckets/" + std::string{hidden} + "/objects").status == 400);

  CHECK(f.as("writer", "PUT", "/buckets/photos/records/k", "x").status == 201);
  f.policy("photos", R"({"effect":"deny","principals":["*"],"actions":["delete"],"keys":["records/*"]})");
  CHECK(f.as("admin", "DELETE", "/storage/buckets/photos?force=true").status == 403);
  CHECK(f.store.buckets.at("photos").objects.contains("records/k"));
}

TEST_CASE("what was acted on is told in the words of policies, wherever the request had it") {
  const auto told = [](const front& door, const use& u) {
    fronts_fixture f{door};
    f.as("admin", u.method, u.target, u.body);
    const auto last = f.last();
    CHECK(last.action == identity::to_string(u.needs));
    return last.resource;
  };
  CHECK(told(directory_front(), {"PUT", "/put?key=a/b%3Fc&value=v", action::write}) == "/.directory/a/b%3Fc");
  CHECK(told(directory_front(), {"DELETE", "/buckets/0/delete/k", action::remove}) == "/.directory/k");
  CHECK(told(s3db_front(), {"POST", "/v1/put/t/6b?encoding=hex", action::write, "x"}) == "/.s3db/t/k");
  CHECK(told(s3db_front(), {"GET", "/v1/scan/t?prefix=p", action::list}) == "/.s3db/t/p");
  CHECK(told(storage_front(), {"POST", "/storage/buckets", action::admin, R"({"name": "new"})"}) == "/new");
  CHECK(told(storage_front(), {"PUT", "/buckets/photos/a/b", action::write, "x"}) == "/photos/a/b");
  CHECK(told(files_front(), {"POST", "/files", action::write, "x"}).size() == std::string{"/.files/"}.size() + 32);
  CHECK(told(files_front(), {"GET", "/admin/wal", action::admin}) == "/.files");
}

TEST_CASE("the body is the one that was signed; without a signature its hash may be said") {
  const std::string other = hex_encode(sha256(as_bytes("other")));
  {
    fronts_fixture f{s3db_front()};
    CHECK(f.as("writer", "POST", "/v1/put/t/k", "x").status == 201);
    CHECK(f.as("writer", "POST", "/v1/put/t/k", "x", other).status == 403);
    CHECK(f.as("writer", "POST", "/v1/put/t/k", "x", "UNSIGNED-PAYLOAD").status == 403);
    CHECK(f.as("writer", "GET", "/v1/get/t/k", {}, "UNSIGNED-PAYLOAD").status == 200);
    CHECK(f.with_key("TAwriter." + f.api_secret, "POST", "/v1/put/t/k", "x").status == 201);
  }
  {
    fronts_fixture f{storage_front()};
    CHECK(f.as("writer", "PUT", "/buckets/photos/k", "x", other).status == 409);
    CHECK(f.as("writer", "PUT", "/buckets/photos/k", "x", "UNSIGNED-PAYLOAD").status == 201);
    CHECK(f.as("writer", "PUT", "/buckets/photos/k", "x", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD").status == 501);
    const auto said = [&](const std::string& hash) {
      return f.raw(
        "PUT", "/buckets/photos/k", {{"X-API-Key", "TAwriter." + f.api_secret}, {"x-amz-content-sha256", hash}}, "x");
    };
    CHECK(said(hex_encode(sha256(as_bytes("x")))).status == 201);
    CHECK(said(other).status == 409);
  }
  fronts_fixture f{directory_front()};
  CHECK(f.as("writer", "PUT", "/put?key=k", "x", other).status == 400);
}

TEST_CASE("the directory is open on loopback to who shows no proof, and to nobody else") {
  fronts_fixture f{directory_front(), true};
  CHECK(f.raw("GET", "/get/k").status == 404);
  CHECK(f.raw("DELETE", "/delete/k").status == 404);
  CHECK(f.last().principal == "");
  CHECK(f.as("reader", "GET", "/get/k").status == 404);
  CHECK(f.as("reader", "DELETE", "/delete/k").status == 403);
  CHECK(f.last().principal == "user:reader");
  CHECK(f.with_key("TAreader.wrong", "GET", "/get/k").status == 403);
  f.policy(".directory", R"({"effect":"deny","principals":["*"],"actions":["*"]})");
  CHECK(f.as("reader", "GET", "/get/k").status == 403);
}
