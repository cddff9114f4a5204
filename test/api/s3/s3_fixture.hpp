// s3_fixture: the S3 surface over a fake store, behind a real server on 127.0.0.1, and a client that signs.
#pragma once

#include "api/http/server.hpp"
#include "api/identity/gate.hpp"
#include "api/s3/surface.hpp"
#include "codec/digest.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "support/fake_object_store.hpp"
#include "support/raw_client.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::test {

using fields = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view access_key = "AKIDEXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
inline constexpr std::string_view xml_head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
inline constexpr std::string_view xmlns = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

class set_clock final : public wall_clock {
public:
  unix_ms now() const override { return at; }
  unix_ms at = 1'792'569'600'250; // Wed, 21 Oct 2026 08:00:00.250 GMT
};

class serial_entropy final : public entropy {
public:
  void fill(bytes_span to) override {
    for (auto& b : to) b = static_cast<std::byte>(++n_);
  }

private:
  unsigned n_ = 0;
};

class bug_recorder final : public http::observer {
public:
  void failed(std::string_view, std::string_view what) override {
    std::lock_guard lock{mutex_};
    bugs_.emplace_back(what);
  }
  void finished(const http::access_record& r) override {
    std::lock_guard lock{mutex_};
    operation_ = r.operation;
  }
  std::vector<std::string> bugs() {
    std::lock_guard lock{mutex_};
    return bugs_;
  }

private:
  std::mutex mutex_;
  std::vector<std::string> bugs_;
  std::string operation_;
};

struct s3_fixture {
  s3_fixture() : store(clock) {
    known->set(std::make_shared<const identity::snapshot>());
    s3::surface front{{.identity = gate,
      .store_of = [this](http::request&) -> object_store& { return store; },
      .clock = clock,
      .owner_id = "owner-1",
      .owner_name = "Owner",
      .host_id = "node-1"}};
    server = std::make_unique<http::server>(http::server_config{.clock = clock,
      .random = random,
      .handle = front.handler(),
      .render_error = [front](const http::request* rq, const error& e, int& status, std::string_view id,
                        std::string& type) { return front.render_error(rq, e, status, id, type); },
      .cut = {},
      .watcher = &watcher});
    server->start().value();
    client.emplace(server->port());
    store.buckets["bkt"].record.set_owner("owner-1");
    store.buckets["bkt"].record.set_region("us-east-1");
    store.buckets["bkt"].record.set_created_ms(clock.at);
  }
  ~s3_fixture() {
    client.reset();
    server->stop(std::chrono::seconds{5});
    CHECK(watcher.bugs().empty());
  }

  struct how {
    std::string host = "localhost:9000";
    std::string payload = {}; // x-amz-content-sha256; the body's own hash when empty
    std::string_view key = access_key, secret = secret_key, region = "us-east-1";
    std::int64_t signed_ms_ago = 0;
    fields unsigned_headers = {}; // sent, not signed
  };

  // The bytes of a signed request. Content-Length is the body's unless `headers` has Transfer-Encoding.
  std::string signed_request(
    std::string_view method, std::string_view target, fields headers, std::string_view body, const how& h) {
    headers.insert(headers.begin(), {"Host", h.host});
    const auto payload = h.payload.empty() ? hex_encode(sha256(as_bytes(body))) : h.payload;
    uri parsed;
    REQUIRE(parsed.parse(target));
    std::vector<header_view> views;
    for (auto& [name, value] : headers) views.push_back({name, value});
    const auto added = sign({.method = method, .path = parsed.path, .query = parsed.query, .headers = views},
      {.access_key = h.key, .secret_key = h.secret, .region = h.region}, payload, clock.at - h.signed_ms_ago);
    headers.insert(headers.end(), added.begin(), added.end());
    headers.insert(headers.end(), h.unsigned_headers.begin(), h.unsigned_headers.end());
    return bytes_of(method, target, headers, body);
  }
  static std::string bytes_of(
    std::string_view method, std::string_view target, const fields& headers, std::string_view body) {
    std::string out{method};
    ((out += ' ') += target) += " HTTP/1.1\r\n";
    bool length = !body.empty() || method == "PUT" || method == "POST";
    for (auto& [name, value] : headers) {
      (((out += name) += ": ") += value) += "\r\n";
      if (name == "Transfer-Encoding" || name == "Content-Length") length = false;
    }
    if (length) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return (out += "\r\n") += body;
  }
  answer call(std::string_view method, std::string_view target, fields headers, std::string_view body, const how& h) {
    return client->exchange(signed_request(method, target, std::move(headers), body, h), method == "HEAD");
  }
  answer call(std::string_view method, std::string_view target, fields headers = {}, std::string_view body = {}) {
    return call(method, target, std::move(headers), body, how{});
  }
  answer put(std::string_view target, std::string_view body, fields headers = {}) {
    return call("PUT", target, std::move(headers), body);
  }
  answer get(std::string_view target, fields headers = {}) { return call("GET", target, std::move(headers)); }
  // Sends exactly these headers.
  answer raw(std::string_view method, std::string_view target, const fields& headers = {{"Host", "localhost:9000"}},
    std::string_view body = {}) {
    return client->exchange(bytes_of(method, target, headers, body), method == "HEAD");
  }
  void reconnect() { client.emplace(server->port()); }

  // The <Code> of an error answer.
  static std::string code(const answer& a) { return between(a.body, "<Code>", "</Code>"); }
  static std::string message(const answer& a) { return between(a.body, "<Message>", "</Message>"); }
  static std::string between(const std::string& s, std::string_view from, std::string_view to) {
    const auto a = s.find(from);
    if (a == s.npos) return {};
    const auto b = s.find(to, a + from.size());
    return s.substr(a + from.size(), b - a - from.size());
  }

  set_clock clock;
  std::shared_ptr<identity::holder> known = std::make_shared<identity::holder>(); // users and policies: none
  identity_gate gate{{.root_key = std::string{access_key},
    .root_secret = std::string{secret_key},
    .known = known,
    .keys = nullptr,
    .tokens = {},
    .clock = &clock}};
  serial_entropy random;
  bug_recorder watcher;
  fake_object_store store;
  std::unique_ptr<http::server> server;
  std::optional<raw_client> client;
};

// <root xmlns="...">content</root> with the declaration.
inline std::string document(std::string_view root, std::string_view content) {
  std::string out{xml_head};
  ((((out += '<') += root) += xmlns) += '>') += content;
  return ((out += "</") += root) += '>';
}

inline constexpr auto owner_xml = "<ID>owner-1</ID><DisplayName>Owner</DisplayName>";

} // namespace troupe::test
