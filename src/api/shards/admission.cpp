// Who may make a call of the shards surface, and what is told of it.
#include "api/identity/gate.hpp"
#include "api/shards/service.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "core/tracer.hpp"

#include <spdlog/spdlog.h>

#include <array>

namespace troupe::shards {
namespace {

std::vector<std::string_view> sent(const grpc::ServerContext& context, const char* name) {
  std::vector<std::string_view> out;
  const auto [first, last] = context.client_metadata().equal_range(name);
  for (auto field = first; field != last; ++field) out.emplace_back(field->second.data(), field->second.size());
  return out;
}

// As http/connection.cpp: the client's traceparent decides, and is the parent; what is recorded is told in traceresponse.
open_span begin_trace(const std::shared_ptr<tracer>& to, grpc::ServerContext& context, const char* operation) {
  if (!to) return {};
  const auto given = sent(context, "traceparent");
  open_span made{to, to->accept(given.empty() ? std::string_view{} : given.front()), operation, span_kind::server};
  if (made) context.AddInitialMetadata("traceresponse", made.context().traceparent());
  return made;
}

std::string id_of_call(entropy& random) {
  std::array<std::byte, 8> id{};
  random.fill(id);
  return hex_encode(bytes_view{id});
}

} // namespace

std::string key_in(std::uint64_t shard, std::string_view key) {
  auto out = std::to_string(shard) + '/';
  return out += key;
}

grpc::StatusCode status_of(ec code) {
  switch (code) {
  case ec::not_found:
  case ec::no_such_key: return grpc::StatusCode::NOT_FOUND;
  case ec::access_denied: return grpc::StatusCode::PERMISSION_DENIED;
  case ec::precondition_failed: return grpc::StatusCode::FAILED_PRECONDITION;
  case ec::bad_argument:
  case ec::too_large: return grpc::StatusCode::INVALID_ARGUMENT;
  case ec::no_space:
  case ec::slow_down: return grpc::StatusCode::RESOURCE_EXHAUSTED;
  case ec::unavailable:
  case ec::not_leader:
  case ec::closed: return grpc::StatusCode::UNAVAILABLE;
  case ec::timeout: return grpc::StatusCode::DEADLINE_EXCEEDED;
  case ec::conflict: return grpc::StatusCode::ABORTED;
  case ec::not_implemented: return grpc::StatusCode::UNIMPLEMENTED;
  case ec::corrupt: return grpc::StatusCode::DATA_LOSS;
  default: return grpc::StatusCode::INTERNAL;
  }
}

grpc::Status service::serve(grpc::ServerContext& context, const wish& w, const work& job) {
  const auto began = options_.time->now();
  const auto id = id_of_call(*options_.random);
  context.AddInitialMetadata("x-request-id", id);
  auto traced = begin_trace(options_.tracing, context, w.operation);
  sender from;
  auto status = admitted(context, w, job, from);
  const auto remote = address_of_peer(context.peer());
  if (traced) {
    traced.set("rpc.system", "grpc");
    traced.set("rpc.service", "troupe.shards.v1.Shards");
    traced.set("http.route", std::string{"shards "} + w.operation);
    traced.set("rpc.grpc.status_code", static_cast<std::uint64_t>(status.error_code()));
    traced.set("client.address", remote);
    traced.set("troupe.request_id", id);
    if (w.shard != 0) traced.set("troupe.shard", w.shard);
    if (http_status_of(status.error_code()) >= 499) traced.failed(status.error_message());
    traced.end();
  }
  if (options_.watcher == nullptr) return status;
  const auto principal = from.client.empty() ? std::string{} : from.who.text();
  if (from.resource.empty()) from.resource = w.keys.size() == 1 ? w.keys.front() : key_in(w.shard);
  const auto resource = "/" + std::string{bucket_name} + "/" + percent_encode(from.resource, true);
  options_.watcher->finished({.id = id,
    .remote = remote,
    .method = "RPC",
    .target = resource,
    .operation = w.operation,
    .principal = principal,
    .action = identity::to_string(w.action),
    .status = http_status_of(status.error_code()),
    .took = options_.time->now() - began});
  return status;
}

grpc::Status service::admitted(grpc::ServerContext& context, const wish& w, const work& job, sender& from) {
  place call{calls_, options_.calls_max};
  if (!call.got()) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at a time: try again"};
  const auto authorization = sent(context, "authorization"), api_key = sent(context, "x-api-key");
  auto who = principal_of(*options_.identity, {.authorization = authorization, .api_key = api_key});
  if (!who) {
    const bool later = who.error().code == ec::unavailable;
    return {later ? grpc::StatusCode::UNAVAILABLE : grpc::StatusCode::UNAUTHENTICATED, who.error().message};
  }
  from.client = client_of(*who);
  from.who = std::move(*who);
  if (from.client != w.client_id)
    return {grpc::StatusCode::PERMISSION_DENIED, "client_id is not who sends the call: that is " + from.client};
  auto done = [&]() -> result<> {
    for (const auto& key : w.keys) TROUPE_TRY(authorise(from.who, w.action, key));
    return job(from);
  }();
  if (done) return grpc::Status::OK;
  const auto status = status_of(done.error().code);
  if (status == grpc::StatusCode::UNAVAILABLE)
    if (auto where = options_.manager->primary_of(w.shard, w.volume); !where.empty())
      context.AddTrailingMetadata("troupe-primary", where);
  if (status == grpc::StatusCode::INTERNAL || status == grpc::StatusCode::DATA_LOSS)
    spdlog::error("shards: shard {}: {}", w.shard, done.error().message);
  return {status, done.error().message};
}

result<> service::authorise(const identity::principal& who, identity::action a, const std::string& key) const {
  return options_.identity->authorise(who, {.action = a, .bucket = bucket_name, .key = key});
}

} // namespace troupe::shards
