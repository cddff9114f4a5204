#include "actors/messages.hpp"

#include "actors/interfaces.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>

namespace troupe {
namespace {

constexpr auto our_category = caf::atom("troupe");
constexpr auto system_category = caf::atom("system"); // caf::sec
constexpr auto exit_category = caf::atom("exit");     // caf::exit_reason

std::string text_of(const caf::message& context) {
  if (context.match_elements<std::string>()) return context.get_as<std::string>(0);
  return context.empty() ? std::string{} : to_string(context);
}

// What a caller should make of a failure that CAF reports: a peer that is slow, gone, or a bug of ours.
ec meaning_of(caf::sec code) {
  switch (code) {
  case caf::sec::request_timeout:
  case caf::sec::connection_timeout: return ec::timeout;
  case caf::sec::request_receiver_down:
  case caf::sec::disconnect_during_handshake:
  case caf::sec::no_route_to_receiving_node:
  case caf::sec::cannot_connect_to_node:
  case caf::sec::no_actor_published_at_port:
  case caf::sec::remote_linking_failed:
  case caf::sec::socket_disconnected:
  case caf::sec::socket_operation_failed:
  case caf::sec::unavailable_or_would_block: return ec::unavailable;
  case caf::sec::incompatible_versions:
  case caf::sec::incompatible_application_ids:
  case caf::sec::unexpected_actor_messaging_interface: return ec::incompatible;
  default: return ec::internal;
  }
}

std::string with_context(std::string text, const caf::message& context) {
  if (!context.empty()) text += ": " + text_of(context);
  return text;
}

} // namespace

caf::error to_caf(const error& e) {
  return caf::error{static_cast<std::uint8_t>(e.code), our_category, caf::make_message(e.message)};
}

error from_caf(const caf::error& e) {
  if (!e) return fail(ec::internal, "an error without a code");
  if (e.category() == our_category) {
    auto code = static_cast<ec>(e.code());
    auto text = text_of(e.context());
    if (to_string(code) != "unknown") return fail(code, std::move(text));
    return fail(ec::internal, "unknown error code " + std::to_string(e.code()) + ": " + text); // a newer peer
  }
  if (e.category() == system_category) {
    auto code = static_cast<caf::sec>(e.code());
    return fail(meaning_of(code), with_context(to_string(code), e.context()));
  }
  if (e.category() == exit_category) {
    auto text = "actor ended: " + to_string(static_cast<caf::exit_reason>(e.code()));
    return fail(ec::unavailable, with_context(std::move(text), e.context()));
  }
  return fail(ec::internal, to_string(e));
}

void register_messages(caf::actor_system_config& cfg) {
  cfg.add_error_category(our_category, [](std::uint8_t code, caf::atom_value, const caf::message& context) {
    return std::string{to_string(static_cast<ec>(code))} + ": " + text_of(context);
  });
  // Append only: the names go over the wire.
  cfg.add_message_type<data_id>("troupe::data_id");
  cfg.add_message_type<chunk>("troupe::chunk");
  cfg.add_message_type<wire<pb::piece_id>>("troupe::piece_id");
  cfg.add_message_type<wire<pb::shard_status>>("troupe::shard_status");
  cfg.add_message_type<wire<pb::extent>>("troupe::extent");
  cfg.add_message_type<wire<pb::read_request>>("troupe::read_request");
  cfg.add_message_type<wire<pb::read_reply>>("troupe::read_reply");
  cfg.add_message_type<wire<pb::list_request>>("troupe::list_request");
  cfg.add_message_type<wire<pb::list_reply>>("troupe::list_reply");
  cfg.add_message_type<wire<pb::batch>>("troupe::batch");
  cfg.add_message_type<wire<pb::batch_result>>("troupe::batch_result");
  cfg.add_message_type<wire<pb::metadata_status>>("troupe::metadata_status");
  cfg.add_message_type<wire<pb::raft_message>>("troupe::raft_message");
  cfg.add_message_type<wire<pb::state_copy_request>>("troupe::state_copy_request");
  cfg.add_message_type<wire<pb::state_copy_page>>("troupe::state_copy_page");
  cfg.add_message_type<wire<pb::member_change>>("troupe::member_change");
  cfg.add_message_type<wire<pb::cluster_map>>("troupe::cluster_map");
  cfg.add_message_type<wire<pb::map_change>>("troupe::map_change");
  cfg.add_message_type<wire<pb::held_request>>("troupe::held_request");
  cfg.add_message_type<wire<pb::held_page>>("troupe::held_page");
}

} // namespace troupe
