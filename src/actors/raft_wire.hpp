// raft_wire: messages between Raft members as Protobuf and as libraft's structs, and back. Pure. What a peer sends is
// checked here before libraft, which trusts it, or an allocation sees it.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "raft.pb.h"

#include <cstddef>
#include <cstdint>

extern "C" { // raft.h does not say so itself
#include <raft.h>
}

namespace troupe::raft_wire {

constexpr std::size_t entry_bytes_max = std::size_t{9} << 20;
// A message is cut after this many bytes of entries or this many entries, but has at least one: it fits into what a
// message between processes may hold (wire<T>: 16 MiB).
constexpr std::size_t sent_bytes_max = std::size_t{4} << 20;
constexpr int sent_entries_max = 4096;
constexpr std::size_t received_bytes_max = std::size_t{14} << 20;
constexpr std::size_t address_bytes_max = 255;
constexpr int members_max = 64;

// Without sender and receiver. libraft sends all that it has from an index on; what is cut off here it must be told to
// send again (entries_size() says how many went in).
result<pb::raft_message> encode(const ::raft_message&);

// Every bound and every promise that libraft relies on; ec::bad_argument says which one does not hold.
result<> check(const pb::raft_message&);

// leader_commit ends where the entries end: libraft would commit what another leader has sent before.
// Of a message that passed check() and is one of libraft's own kinds. Its memory is raft_malloc'ed: libraft's receive
// callback takes it over, or release() frees it. server_address points into the message that is decoded.
result<::raft_message> decode(const pb::raft_message&);
void release(::raft_message&);

// A configuration as libraft writes it into an entry (raft_configuration_encode), which has no public reverse.
result<pb::raft_manifest> decode_configuration(bytes_view); // only `servers` is filled
// Into an initialised, empty configuration.
int to_configuration(const pb::raft_manifest&, raft_configuration*);
void add_servers(pb::raft_manifest&, const raft_configuration&);

} // namespace troupe::raft_wire
