#include "api/admin/change_request.hpp"

#include "core/cluster_map.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>

namespace troupe::admin {

namespace json = boost::json;

namespace {

error bad(std::string what) { return fail(ec::bad_argument, std::move(what)); }

result<> set_roles(const json::value& roles, pb::cluster_node& node) {
  if (!roles.is_array()) return bad("'roles' is not a list");
  for (const auto& role : roles.get_array()) {
    if (!role.is_string()) return bad("'roles' is not a list of strings");
    if (role.get_string() == "storage")
      node.set_storage(true);
    else if (role.get_string() == "metadata")
      node.set_metadata(true);
    else if (role.get_string() == "coordinator")
      node.set_coordinator(true);
    else
      return bad("there is no role '" + std::string{role.get_string()} + "': storage, metadata, coordinator");
  }
  return {};
}

} // namespace

result<json::object> object_in(std::string_view text, std::initializer_list<std::string_view> known) {
  json::parse_options shallow;
  shallow.max_depth = 4;
  json::error_code e;
  auto value = json::parse(text, e, {}, shallow);
  if (e) return bad("the body is not JSON: " + e.message());
  if (!value.is_object()) return bad("the body is not a JSON object");
  for (const auto& field : value.get_object())
    if (std::find(known.begin(), known.end(), std::string_view{field.key().data(), field.key().size()}) == known.end())
      return bad("the body has an unknown field '" + std::string{field.key()} + "'");
  return std::move(value.get_object());
}

result<std::string> text_of(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  if (value == nullptr) return std::string{};
  if (!value->is_string()) return bad(std::string{"'"} + name + "' is not a string");
  return std::string{value->get_string()};
}

result<pb::map_change> join_request(std::string_view json_text) {
  auto o = object_in(json_text, {"id", "address", "zone", "weight", "roles"});
  if (!o) return o.error();
  pb::map_change change;
  change.set_kind(pb::map_change::join);
  auto& node = *change.mutable_joining();
  auto id = text_of(*o, "id"), address = text_of(*o, "address"), zone = text_of(*o, "zone");
  for (const auto* field : {&id, &address, &zone})
    if (!*field) return field->error();
  if (id->empty() || address->empty()) return bad("a node that joins needs 'id' and 'address'");
  node.set_id(*id);
  node.set_address(*address);
  node.set_zone(*zone);
  node.set_weight(1);
  if (const auto* weight = o->if_contains("weight")) {
    if (!weight->is_int64() || weight->get_int64() < 0 || weight->get_int64() > cluster_map::weight_max)
      return bad("'weight' is not a whole number from 0 to " + std::to_string(cluster_map::weight_max));
    node.set_weight(static_cast<std::uint32_t>(weight->get_int64()));
  }
  if (const auto* roles = o->if_contains("roles")) {
    TROUPE_TRY(set_roles(*roles, node));
  } else {
    node.set_storage(true);
    node.set_metadata(true);
    node.set_coordinator(true);
  }
  return change;
}

result<members_request> parse_members_request(std::string_view json_text) {
  auto o = object_in(json_text, {"kind", "node"});
  if (!o) return o.error();
  auto kind = text_of(*o, "kind"), node = text_of(*o, "node");
  if (!kind) return kind.error();
  if (!node) return node.error();
  members_request r{.kind = pb::member_change::unknown, .node = *node};
  if (*kind == "add")
    r.kind = pb::member_change::add;
  else if (*kind == "remove")
    r.kind = pb::member_change::remove;
  else if (*kind == "transfer")
    r.kind = pb::member_change::transfer;
  else
    return bad("'kind' is add, remove or transfer, not '" + *kind + "'");
  if (r.node.empty() && r.kind != pb::member_change::transfer) return bad("'node' says which one");
  return r;
}

result<std::uint32_t> parse_weight(std::string_view text) {
  std::uint32_t weight = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (text.empty() || e != std::errc{} || end != text.data() + text.size() || weight > cluster_map::weight_max)
    return bad("a weight is a whole number from 0 to " + std::to_string(cluster_map::weight_max) + ", not '" +
      std::string{text} + "'");
  return weight;
}

result<bool> parse_flag(std::string_view text) {
  if (text.empty() || text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return bad("'" + std::string{text} + "' is neither true nor false");
}

} // namespace troupe::admin
