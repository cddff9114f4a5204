// peer_methods: what one process may ask of another, and how the head and the body of each request are to be read.
// Numbers are append only: they go over the wire. A process that does not know a method answers ec::not_implemented.
#pragma once

#include "net/channel.hpp"

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <string>

namespace troupe {

enum class peer_method : std::uint8_t {
  // SHARD; bulk plane where content travels. Heads: pb::piece_id, or 16 bytes of a data id, or pb::extent.
  shard_append = 1,  // piece_id, the piece as body -> nothing
  shard_sync = 2,    // nothing -> nothing
  shard_read = 3,    // piece_id -> the piece as body
  shard_remove = 4,  // data id -> nothing
  shard_compare = 5, // extent -> repair_record
  shard_status = 6,  // nothing -> shard_status
  shard_list = 7,    // held_request -> held_page
  // METADATA; control plane.
  metadata_read = 20,    // read_request -> read_reply
  metadata_list = 21,    // list_request -> list_reply
  metadata_commit = 22,  // batch -> batch_result
  metadata_status = 23,  // nothing -> metadata_status
  metadata_raft = 24,    // raft_message; a post
  metadata_copy = 25,    // state_copy_request -> state_copy_page
  metadata_members = 26, // member_change -> nothing
  // GOSSIPER; control plane.
  gossip = 40, // gossip_message; a post
  // Of a coordinator; control plane.
  pins = 60, // data_ids -> those of them that are being read or written there
  // Of every process, for operators; control plane.
  process_status = 80, // nothing -> process_status
  process_fault = 81,  // fault_order -> fault_report
  process_heal = 82,   // heal_order -> heal_report
  process_volume = 83, // volume_order -> volume_report
};

inline peer_message to_peer(peer_method method, std::string head = {}, chunk body = {}) {
  return {static_cast<std::uint8_t>(method), std::move(head), std::move(body)};
}
inline peer_message to_peer(peer_method method, const google::protobuf::MessageLite& head, chunk body = {}) {
  return {static_cast<std::uint8_t>(method), head.SerializeAsString(), std::move(body)};
}

// ec::corrupt when the head does not parse.
template <class T>
result<T> parse_head(const peer_message& m) {
  T value;
  if (value.ParseFromString(m.head)) return value;
  return fail(ec::corrupt, "a message of method " + std::to_string(m.method) + " that does not parse");
}

} // namespace troupe
