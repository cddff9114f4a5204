#include "api/admin/admin.hpp"

#include "api/admin/call.hpp"
#include "api/admin/identities.hpp"
#include "api/surface.hpp"

#include <boost/json/serialize.hpp>

#include <array>

namespace troupe::admin {

namespace {

constexpr std::size_t body_bytes_max = std::size_t{64} << 10;

constexpr std::array routes{
  route{"GET", "/admin/status", "AdminStatus", on_status},
  route{"GET", "/admin/nodes", "AdminNodes", on_nodes},
  route{"GET", "/admin/raft", "AdminRaft", on_raft},
  route{"GET", "/admin/objects/where", "AdminWhere", on_where},
  route{"POST", "/admin/nodes/{id}/drain", "AdminDrain", on_drain},
  route{"POST", "/admin/nodes/{id}/undrain", "AdminUndrain", on_undrain},
  route{"POST", "/admin/nodes/{id}/remove", "AdminRemove", on_remove},
  route{"POST", "/admin/nodes/{id}/weight", "AdminWeight", on_weight},
  route{"POST", "/admin/join", "AdminJoin", on_join},
  route{"POST", "/admin/metadata/members", "AdminMembers", on_change_members},
  route{"GET", "/admin/directory", "AdminDirectory", on_directory},
  route{"POST", "/admin/directory/resize", "AdminResizeDirectory", on_resize_directory},
  route{"GET", "/admin/faults", "AdminFaults", on_faults},
  route{"POST", "/admin/faults", "AdminSetFault", on_set_fault},
  route{"POST", "/admin/faults/clear", "AdminClearFaults", on_clear_faults},
  route{"GET", "/admin/log", "AdminLog", on_log},
  route{"POST", "/admin/log", "AdminSetLog", on_set_log},
  route{"GET", "/admin/actors", "AdminActors", on_actors},
  route{"GET", "/admin/ring", "AdminRing", on_ring},
  route{"GET", "/admin/events", "AdminEvents", on_events},
  route{"GET", "/admin/healing", "AdminHealing", on_healing},
  route{"POST", "/admin/rebalance", "AdminRebalance", on_rebalance},
  route{"POST", "/admin/repair", "AdminRepair", on_repair},
  route{"GET", "/admin/buckets/{name}", "AdminBucket", on_bucket},
  route{"POST", "/admin/buckets/{name}", "AdminSetBucket", on_set_bucket},
  route{"GET", "/admin/volumes", "AdminVolumes", on_volumes},
  route{"POST", "/admin/volumes/{id}/grow", "AdminGrowVolume", on_grow_volume},
  route{"GET", "/admin/volumes/{id}/snapshots", "AdminSnapshots", on_snapshots},
  route{"POST", "/admin/volumes/{id}/snapshots", "AdminSnapshot", on_make_snapshot},
  route{"POST", "/admin/volumes/{id}/snapshots/{name}/remove", "AdminRemoveSnapshot", on_remove_snapshot},
  route{"POST", "/admin/volumes/{id}/snapshots/{name}/restore", "AdminRestoreSnapshot", on_restore_snapshot},
};

struct surface {
  explicit surface(config c) : settings(std::move(c)), door(settings.identity, {.signed_bodies = true}) {
    for (const auto& r : routes) add(r);
    for (const auto& r : identity_routes()) add(r);
  }

  void add(const route& r) {
    table.add(r.method, r.pattern, r.operation,
      [this, handle = r.handle](http::request& rq, http::response& rs, const http::path_parameters& parameters) {
        return serve(handle, rq, rs, parameters);
      });
  }

  http::task<> dispatch(http::request& rq, http::response& rs) {
    const auto from = door.admit(rq);
    const bool looks = rq.method() == "GET" || rq.method() == "HEAD";
    from.require(looks ? identity::action::read : identity::action::admin, {});
    rq.from = &from;
    co_await table.dispatch(rq, rs);
  }

  http::task<> serve(handler handle, http::request& rq, http::response& rs, const http::path_parameters& parameters) {
    surface_call base{rq, rs, parameters, *rq.from};
    auto body = co_await whole_body(base, body_bytes_max);
    call c{.config = settings,
      .rq = rq,
      .rs = rs,
      .parameters = parameters,
      .actors = settings.actors_of(rq),
      .body = std::move(body)};
    co_await handle(c);
  }

  config settings;
  entrance door;
  http::router table;
};

} // namespace

http::handler make_handler(config c) {
  auto shared = std::make_shared<surface>(std::move(c));
  return [shared](http::request& rq, http::response& rs) -> http::task<> { co_await shared->dispatch(rq, rs); };
}

http::task<> answer(call& c, json::object what) {
  c.rs.set("Content-Type", "application/json");
  c.rs.set("Cache-Control", "no-store");
  auto text = json::serialize(what) + "\n";
  co_await c.rs.send(text);
}

std::string parameter(const call& c, std::string_view name) {
  const auto* value = c.rq.target().q(name);
  return value == nullptr ? std::string{} : *value;
}

std::string needed_parameter(const call& c, std::string_view name) {
  auto value = parameter(c, name);
  if (value.empty()) throw http::api_error{ec::bad_argument, "the query needs " + std::string{name} + "="};
  return value;
}

http::task<std::shared_ptr<const cluster_survey>> survey(call& c) {
  auto found = co_await http::ask<survey_result>(c.actors, c.config.surveyor, look_timeout, status_atom::value);
  co_return must(std::move(found)).survey;
}

} // namespace troupe::admin
