// The console over a real server on 127.0.0.1, with actors that answer from memory: who gets in, and what is answered.
#include "actors/surveyor.hpp"
#include "api/admin/admin.hpp"
#include "api/admin/console.hpp"
#include "api/http/actor_bridge.hpp"
#include "api/http/response.hpp"
#include "api/http/server.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "core/map_change.hpp"
#include "support/cluster_maps.hpp"
#include "support/model_metadata.hpp"
#include "support/raw_client.hpp"

#include <boost/json/parse.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <optional>

using namespace troupe;
using namespace troupe::test;

namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

class set_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'792'569'600'250; }
};
class serial_entropy final : public entropy {
public:
  void fill(bytes_span to) override {
    for (auto& b : to) b = static_cast<std::byte>(++n_);
  }

private:
  unsigned n_ = 0;
};
struct config : caf::actor_system_config {
  config() { register_messages(*this); }
};

// Applies a request to a map of three nodes that are up, and keeps the outcome.
ring_manager_actor::behavior_type map_keeper(ring_manager_actor::pointer, std::shared_ptr<cluster_map> map) {
  return {
    [](tick_atom) {},
    [map](status_atom) { return wire<pb::cluster_map>{map->message()}; },
    [](mover_atom, const healer_actor&, const mover_actor&, const readers_actor&, const sweeper_actor&) {},
    [map](change_atom, const wire<pb::map_change>& change) -> caf::result<wire<pb::cluster_map>> {
      auto next = with_change(*map, *change, {});
      if (!next) return to_caf(next.error());
      *map = *next;
      return wire<pb::cluster_map>{next->message()};
    },
  };
}

struct how {
  std::string key = "AKIAOPS", secret = "a-secret-of-ops", service = "troupe", payload = {};
};

struct fixture {
  explicit fixture(bool cluster = true) {
    surveyor_options s;
    s.cluster = test_cluster;
    s.members.emplace_back(node_id{"metadata-1"}, member);
    surveyor = spawn_surveyor(system, s);
    if (cluster) manager = system.spawn(map_keeper, map);
    auto admin_handler =
      admin::make_handler({.secret_of =
                             [](std::string_view key) {
                               return key == "AKIAOPS" ? std::optional<std::string>{"a-secret-of-ops"} : std::nullopt;
                             },
        .clock = clock,
        .actors_of = [this](http::request&) -> http::actor_bridge& { return *bridge; },
        .metadata = member,
        .surveyor = surveyor,
        .ring_manager = manager});
    server = std::make_unique<http::server>(http::server_config{.clock = clock,
      .random = random,
      .handle = console::make_handler([] { return true; }, {{"/admin", admin_handler}}),
      .render_error = console::render_error,
      .cut = {},
      .request_id_field = "x-request-id"});
    bridge.emplace(system, server->io(0).context());
    server->start().value();
    client.emplace(server->port());
  }
  ~fixture() {
    client.reset();
    server->stop(std::chrono::seconds{5});
    bridge->close();
    server.reset();
    caf::scoped_actor ender{system};
    for (auto& a : {caf::actor_cast<caf::actor>(surveyor), caf::actor_cast<caf::actor>(member)})
      ender->send_exit(a, caf::exit_reason::user_shutdown);
    if (manager) ender->send_exit(manager, caf::exit_reason::user_shutdown);
  }

  answer call(const std::string& method, const std::string& target, const std::string& body = {}, const how& h = {}) {
    const auto payload = h.payload.empty() ? hex_encode(sha256(as_bytes(body))) : h.payload;
    uri parsed;
    REQUIRE(parsed.parse(target));
    const std::vector<header_view> views{{"Host", "console"}};
    fields headers{{"Host", "console"}};
    for (auto& added : sign({.method = method, .path = parsed.path, .query = parsed.query, .headers = views},
           {.access_key = h.key, .secret_key = h.secret, .region = "anywhere", .service = h.service}, payload,
           clock.now()))
      headers.push_back(added);
    return raw(method, target, headers, body);
  }
  answer raw(const std::string& method, const std::string& target, fields headers, const std::string& body = {}) {
    auto text = method + " " + target + " HTTP/1.1\r\n";
    if (method == "POST") headers.emplace_back("Content-Length", std::to_string(body.size()));
    for (auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    return client->exchange(text + "\r\n" + body, false);
  }
  static std::string code_of(const answer& a) {
    return std::string{boost::json::parse(a.body).at("error").at("code").as_string()};
  }

  set_clock clock;
  serial_entropy random;
  config cfg;
  caf::actor_system system{cfg};
  std::shared_ptr<cluster_map> map = std::make_shared<cluster_map>(map_of_up(3));
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor member = system.spawn(model_metadata, rows, nullptr);
  surveyor_actor surveyor;
  ring_manager_actor manager;
  std::unique_ptr<http::server> server;
  std::optional<http::actor_bridge> bridge;
  std::optional<raw_client> client;
};

} // namespace

TEST_CASE("probes need no signature, everything under /admin does") {
  fixture f;
  REQUIRE(f.raw("GET", "/ready", {{"Host", "x"}}).status == 200);
  REQUIRE(f.raw("GET", "/health", {{"Host", "x"}}).status == 200);
  for (const auto* path : {"/admin/status", "/admin/nodes", "/admin/raft", "/admin", "/admin/nothing"}) {
    auto a = f.raw("GET", path, {{"Host", "x"}});
    REQUIRE(a.status == 403);
    REQUIRE(fixture::code_of(a) == "access_denied");
  }
  auto a = f.raw("POST", "/admin/nodes/node-1/drain", {{"Host", "x"}});
  REQUIRE(a.status == 403);
  REQUIRE(*f.map == map_of_up(3));
}

TEST_CASE("a wrong secret, an unknown key and a signature for S3 are refused") {
  fixture f;
  REQUIRE(f.call("GET", "/admin/status").status == 200);
  auto wrong = f.call("GET", "/admin/status", {}, {.secret = "a-secret-of-0ps"});
  REQUIRE(wrong.status == 403);
  REQUIRE(fixture::code_of(wrong) == "signature_does_not_match");
  REQUIRE(wrong.body.find("a-secret") == std::string::npos);
  auto unknown = f.call("GET", "/admin/status", {}, {.key = "AKIAELSE"});
  REQUIRE(unknown.status == 403);
  REQUIRE(fixture::code_of(unknown) == "invalid_access_key_id");
  REQUIRE(f.call("GET", "/admin/status", {}, {.service = "s3"}).status == 400);
}

TEST_CASE("a presigned URL does not open /admin") {
  fixture f;
  const std::vector<header_view> views{{"Host", "console"}};
  auto query = presign({.method = "GET", .path = "/admin/status", .query = {}, .headers = views},
    {.access_key = "AKIAOPS", .secret_key = "a-secret-of-ops", .region = "anywhere", .service = "troupe"}, 60,
    f.clock.now());
  auto a = f.raw("GET", "/admin/status?" + query, {{"Host", "console"}});
  REQUIRE(a.status == 403);
  REQUIRE(fixture::code_of(a) == "access_denied");
}

TEST_CASE("the body is the one that was signed, and is bounded") {
  fixture f;
  auto join = std::string{R"({"id": "node-9", "address": "a:1"})"};
  auto other = f.call("POST", "/admin/join", join, {.payload = hex_encode(sha256(as_bytes("{}")))});
  REQUIRE(other.status == 400);
  REQUIRE(fixture::code_of(other) == "content_sha256_mismatch");
  REQUIRE(f.call("POST", "/admin/join", join, {.payload = "UNSIGNED-PAYLOAD"}).status == 400);
  auto large = f.call("POST", "/admin/join", std::string((64 << 10) + 1, ' '));
  REQUIRE(large.status == 413);
  f.client.emplace(f.server->port());
  REQUIRE(f.call("POST", "/admin/join", join).status == 200);
  REQUIRE(f.map->find(nth_node(9))->state == node_state::joining);
}

TEST_CASE("a change is answered with the node as it is now") {
  fixture f;
  auto a = f.call("POST", "/admin/nodes/node-2/drain");
  REQUIRE(a.status == 200);
  auto o = boost::json::parse(a.body);
  REQUIRE(o.at("epoch").to_number<int>() == 2);
  REQUIRE(o.at("node").at("id") == "node-2");
  REQUIRE(o.at("node").at("state") == "draining");
  REQUIRE(f.call("POST", "/admin/nodes/node-2/undrain").status == 200);
  REQUIRE(f.call("POST", "/admin/nodes/node-2/weight?value=5").status == 200);
  REQUIRE(f.map->find(nth_node(2))->weight == 5);
  REQUIRE(f.call("POST", "/admin/nodes/node-2/weight?value=5x").status == 400);
  REQUIRE(f.call("POST", "/admin/nodes/node-2/weight").status == 400);
  REQUIRE(f.call("POST", "/admin/nodes/node-2/remove").status == 409);
  REQUIRE(f.call("POST", "/admin/nodes/node-2/remove?force=true").status == 200);
  REQUIRE(f.call("POST", "/admin/nodes/nobody/drain").status == 404);
  REQUIRE(f.call("GET", "/admin/nodes/node-1/drain").status == 405);
  REQUIRE(f.call("GET", "/admin/nothing").status == 404);
}

TEST_CASE("without a cluster to change, looking works and a change says so") {
  fixture f{false};
  REQUIRE(f.call("GET", "/admin/status").status == 200);
  REQUIRE(f.call("GET", "/admin/nodes").status == 200);
  REQUIRE(f.call("GET", "/admin/raft").status == 200);
  for (const auto* path : {"/admin/nodes/node-1/drain", "/admin/nodes/node-1/remove?force=true"}) {
    auto a = f.call("POST", path);
    REQUIRE(a.status == 501);
    REQUIRE(a.body.find("`troupe dev` has no cluster to change") != std::string::npos);
  }
  REQUIRE(f.call("POST", "/admin/metadata/members", R"({"kind": "add", "node": "node-2"})").status == 501);
}

TEST_CASE("where is an object that is not there") {
  fixture f;
  auto a = f.call("GET", "/admin/objects/where?bucket=b&key=k");
  REQUIRE(a.status == 404);
  REQUIRE(fixture::code_of(a) == "no_such_bucket");
  REQUIRE(f.call("GET", "/admin/objects/where?bucket=b").status == 400);
  REQUIRE(f.call("GET", "/admin/objects/where?bucket=b&key=k&from=-1").status == 400);
}
