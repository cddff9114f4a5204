#include "api/files/files.hpp"

#include "api/admin/console.hpp"
#include "api/files/call.hpp"
#include "api/http/signature_check.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>

namespace troupe::files {

namespace {

using handler = http::task<> (*)(call&);
struct route {
  const char* method;
  const char* pattern;
  const char* operation; // in the access log
  handler handle;
};

constexpr std::array probes{
  route{"GET", "/health", "Probe", on_health},
  route{"GET", "/ready", "Probe", on_ready},
};
constexpr std::array routes{
  route{"POST", "/files", "FileUpload", on_upload},
  route{"GET", "/files", "FileList", on_list},
  route{"PUT", "/files/{id}", "FileUpdate", on_update},
  route{"GET", "/files/{id}", "FileDownload", on_download},
  route{"DELETE", "/files/{id}", "FileDelete", on_delete},
  route{"GET", "/admin/replicas", "FileReplicas", on_replicas},
  route{"GET", "/admin/replicas/{id}", "FileReplicas", on_replica},
  route{"GET", "/admin/wal", "FileWal", on_wal},
  route{"GET", "/admin/wal/{segment}", "FileWalSegment", on_segment},
  route{"POST", "/admin/wal/rotate", "FileWalRotate", on_rotate},
  route{"POST", "/admin/wal/verify", "FileWalVerify", on_verify},
  route{"POST", "/admin/wal/replay", "FileWalReplay", on_replay},
};

struct surface {
  explicit surface(surface_context c)
      : shared(std::move(c)), signatures({.service = std::string{signed_service}, .region = {}}) {
    for (const auto& r : probes) add(open, r);
    for (const auto& r : routes) add(locked, r);
  }

  void add(http::router& to, const route& r) {
    to.add(r.method, r.pattern, r.operation,
      [this, handle = r.handle](http::request& rq, http::response& rs, const http::path_parameters& parameters) {
        return serve(handle, rq, rs, parameters);
      });
  }

  http::task<> dispatch(http::request& rq, http::response& rs) {
    const auto& path = rq.target().path;
    const bool probe = path == "/health" || path == "/ready";
    if (!probe) authenticate(rq); // before anything is looked up or read
    const auto& table = probe ? open : locked;
    co_await table.dispatch(rq, rs);
  }

  // The one place that decides who may do anything here.
  void authenticate(http::request& rq) {
    auto who = signatures(rq, shared.context.secret_of, shared.context.clock->now());
    if (!who) throw http::api_error{std::move(who).error()};
    if (who->presigned) throw http::api_error{ec::access_denied, "signatures are taken in headers, not in URLs"};
    if (who->payload_hash.starts_with("STREAMING-"))
      throw http::api_error{ec::not_implemented, "x-amz-content-sha256 is the body's SHA-256 or UNSIGNED-PAYLOAD here"};
  }

  http::task<> serve(handler handle, http::request& rq, http::response& rs, const http::path_parameters& parameters) {
    call c{.shared = shared,
      .rq = rq,
      .rs = rs,
      .parameters = parameters,
      .store = shared.context.store_of(rq),
      .actors = shared.context.actors_of(rq),
      .data = {shared.context.store_of(rq), shared.context.actors_of(rq), shared.context.metadata,
        *shared.context.clock},
      .payload_hash = std::string{rq.header("x-amz-content-sha256")}};
    co_await handle(c);
  }

  shared_state shared;
  http::signature_check signatures;
  http::router open, locked;
};

} // namespace

std::uint64_t call::number(std::string_view name, std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) const {
  const auto text = query(name);
  if (text.empty()) return otherwise;
  std::uint64_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size() || n < min || n > max)
    throw http::api_error{
      ec::bad_argument, std::string{name} + "= is a number from " + std::to_string(min) + " to " + std::to_string(max)};
  return n;
}

void throw_no_file(const std::string& id) { throw http::api_error{ec::no_such_key, "there is no file " + id}; }

const std::string& call::file_id() const {
  const auto& id = parameters.at("id");
  if (!is_file_id(id)) throw http::api_error{ec::no_such_key, "no file has such an id: 32 hexadecimal digits"};
  return id;
}

http::task<stored_object> look_at(call& c, std::string id, bool with_content) {
  auto found = co_await c.store.get(std::string{bucket_name}, id, with_content);
  if (!found && (found.error().code == ec::no_such_key || found.error().code == ec::no_such_bucket)) throw_no_file(id);
  co_return must(std::move(found));
}

http::task<> answer(call& c, int status, json::object what) {
  c.rs.status = status;
  c.rs.set("Content-Type", "application/json");
  c.rs.set("Cache-Control", "no-store");
  const auto text = json::serialize(what) + "\n";
  co_await c.rs.send(text);
}

http::handler make_handler(surface_context context) {
  auto shared = std::make_shared<surface>(std::move(context));
  return [shared](http::request& rq, http::response& rs) -> http::task<> { co_await shared->dispatch(rq, rs); };
}

std::string render_error(
  const http::request* rq, const error& e, int& status, std::string_view request_id, std::string& content_type) {
  return console::render_error(rq, e, status, request_id, content_type);
}

} // namespace troupe::files
