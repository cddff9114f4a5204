// fronts_fixture: one front door beside S3 over a real server on 127.0.0.1, with users (support/known_users.hpp), a store in
// memory, and a model of METADATA.
#pragma once

#include "actors/surveyor.hpp"
#include "api/http/actor_bridge.hpp"
#include "api/http/server.hpp"
#include "api/surface_context.hpp"
#include "codec/digest.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "support/cluster_maps.hpp"
#include "support/fake_object_store.hpp"
#include "support/known_users.hpp"
#include "support/model_metadata.hpp"
#include "support/raw_client.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace troupe::test {

// A front door, as a coordinator makes it.
struct front {
  std::string name, service;
  std::function<http::handler(surface_context)> make;
  decltype(http::server_config::render_error) render;
  friend std::ostream& operator<<(std::ostream& out, const front& f) { return out << f.name; }
};

struct fronts_fixture : known_users {
  using fields = std::vector<std::pair<std::string, std::string>>;

  explicit fronts_fixture(const front& f, bool loopback_only = false) : service(f.service), store(clock) {
    surveyor_options s;
    s.cluster = test_cluster;
    s.members.emplace_back(node_id{"metadata-1"}, member);
    surveyor = spawn_surveyor(system, s);
    surface_context context;
    context.store_of = [this](http::request&) -> object_store& { return store; };
    context.actors_of = [this](http::request&) -> http::actor_bridge& { return *bridge; };
    context.metadata = member;
    context.node = "node-1";
    context.surveyor = surveyor;
    context.s3db_of = [](const std::string&) { return std::optional<std::string>{"127.0.0.1:6660"}; };
    context.identity = &gate;
    context.clock = &clock;
    context.random = &random;
    context.region = "us-east-1";
    context.loopback_only = loopback_only;
    server = std::make_unique<http::server>(http::server_config{.clock = clock,
      .random = random,
      .handle = f.make(std::move(context)),
      .render_error = f.render,
      .cut = {},
      .watcher = &watcher,
      .request_id_field = "x-request-id"});
    bridge.emplace(system, server->io(0).context());
    server->start().value();
    for (const auto* name : {"photos", "secrets"}) store.buckets[name].record.set_owner("troupe");
  }
  ~fronts_fixture() {
    server->stop(std::chrono::seconds{5});
    bridge->close();
    server.reset();
    caf::scoped_actor ender{system};
    ender->send_exit(surveyor, caf::exit_reason::user_shutdown);
    ender->send_exit(member, caf::exit_reason::user_shutdown);
    CHECK(watcher.bugs.empty());
  }

  // Exactly these headers, on a connection of its own.
  answer raw(const std::string& method, const std::string& target, fields headers = {}, const std::string& body = {}) {
    headers.emplace(headers.begin(), "Host", "localhost");
    if (method == "POST" || method == "PUT") headers.emplace_back("Content-Length", std::to_string(body.size()));
    auto text = method + " " + target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
    raw_client client{server->port()};
    ++sent;
    return client.exchange(text + "\r\n" + body, method == "HEAD");
  }
  answer as(const std::string& user, const std::string& method, const std::string& target, const std::string& body = {},
    std::optional<std::string> payload = {}, std::int64_t ago_ms = 0) {
    uri parsed;
    REQUIRE(parsed.parse(target));
    const std::vector<header_view> views{{"Host", "localhost"}};
    const auto key = "TK" + user;
    const auto hash = payload ? *payload : hex_encode(sha256(as_bytes(body)));
    return raw(method, target,
      sign({.method = method, .path = parsed.path, .query = parsed.query, .headers = views},
        {.access_key = key, .secret_key = secret, .service = service}, hash, clock.now() - ago_ms),
      body);
  }
  answer with_key(const std::string& key, const std::string& method, const std::string& target, std::string body = {}) {
    return raw(method, target, {{"X-API-Key", key}}, body);
  }
  answer with_token(const std::string& token, const std::string& method, const std::string& target) {
    return raw(method, target, {{"Authorization", "Bearer " + token}});
  }

  struct record {
    std::string principal, action, resource;
    int status = 0;
  };
  // The last request as the audit log is told of it, which is after its answer.
  record last() {
    std::unique_lock lock{watcher.mutex};
    REQUIRE(watcher.told.wait_for(lock, std::chrono::seconds{10}, [&] { return watcher.records.size() == sent; }));
    return watcher.records.back();
  }

  class set_clock final : public wall_clock {
  public:
    unix_ms now() const override { return 1'792'569'600'250; }
  } clock;
  class serial_entropy final : public entropy {
  public:
    void fill(bytes_span to) override {
      for (auto& b : to) b = static_cast<std::byte>(++n_);
    }

  private:
    unsigned n_ = 0;
  } random;
  struct recorder final : http::observer {
    void finished(const http::access_record& r) override {
      const std::lock_guard lock{mutex};
      records.push_back({std::string{r.principal}, std::string{r.action}, std::string{r.resource}, r.status});
      told.notify_all();
    }
    void failed(std::string_view, std::string_view what) override {
      const std::lock_guard lock{mutex};
      bugs.emplace_back(what);
    }
    std::mutex mutex;
    std::condition_variable told;
    std::vector<record> records;
    std::vector<std::string> bugs;
  } watcher;
  std::size_t sent = 0;
  identity_gate gate{{.root_key = "AKIAROOT",
    .root_secret = "a-secret-of-root",
    .known = known,
    .keys = std::make_shared<fixed_keys>(),
    .tokens = {.issuer = "https://issuer", .audience = "troupe"},
    .clock = &clock}};
  std::string service;
  struct config : caf::actor_system_config {
    config() { register_messages(*this); }
  } cfg;
  caf::actor_system system{cfg};
  std::shared_ptr<state> rows = std::make_shared<state>(make_memory_base());
  metadata_actor member = system.spawn(model_metadata, rows, nullptr);
  surveyor_actor surveyor;
  fake_object_store store;
  std::unique_ptr<http::server> server;
  std::optional<http::actor_bridge> bridge;
};

} // namespace troupe::test
