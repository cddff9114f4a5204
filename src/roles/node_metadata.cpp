#include "actors/forming_member.hpp"
#include "actors/peer_methods.hpp"
#include "actors/remote_metadata.hpp"
#include "core/map_change.hpp"
#include "roles/node_process_impl.hpp"
#include "store/disk.hpp"
#include "store/state.hpp"

#include <algorithm>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds copy_timeout{15}; // of a page of a metadata member's state

} // namespace

// Pieces without any metadata: a new group would not know them, and look like an empty store.
std::string node_process::impl::why_not_found() {
  std::uint64_t pieces = 0;
  if (shard) {
    caf::scoped_actor asker{system};
    asker->request(shard, 30s, status_atom::value)
      .receive([&](const wire<pb::shard_status>& s) { pieces = s->pieces(); }, [](const caf::error&) {});
  }
  if (pieces == 0) return {};
  return "no metadata group is founded: this node holds " + std::to_string(pieces) +
    " pieces that an empty one would not know. Put back the metadata directory of a member, or, to begin anew, "
    "remove " +
    data.path() + " on every node";
}

result<> node_process::impl::start_member() {
  for (auto& id : config.metadata.members) {
    if (id == self.id) continue;
    remote_members.push_back(spawn_remote_metadata(system, net, *addresses->find(id.name), 15s));
    group.emplace_back(id.name, remote_members.back());
  }
  if (!self.metadata) return {};
  auto directory = data.metadata();
  TROUPE_TRY(make_posix_disk(data.path())->make_directory("metadata"));
  auto base = open_lmdb_base({.path = directory + "/state"});
  if (!base) return in_role("metadata", base.error());
  forming_member_options o;
  auto& m = o.member;
  m.id = raft_id_of(self.id);
  m.address = self.id.name; // found in the address book
  m.members.clear();
  for (auto& id : config.metadata.members) m.members.push_back({raft_id_of(id), id.name});
  m.files = make_posix_disk(directory);
  m.directory = "raft";
  m.base = std::move(*base);
  m.heartbeat = config.metadata.heartbeat;
  m.election = config.metadata.election_timeout;
  m.send = [net = net, book = addresses](
             std::uint64_t, const std::string& node, const wire<pb::raft_message>& message) {
    if (auto to = book->find(node)) net->post(*to, plane::control, to_peer(peer_method::metadata_raft, *message));
  };
  m.fetch = [net = net, book = addresses](std::uint64_t, const std::string& node, const pb::state_copy_request& request,
              std::function<void(result<pb::state_copy_page>)> done) {
    auto to = book->find(node);
    if (!to) return done(fail(ec::unavailable, "nobody knows where node " + node + " is"));
    net->call(*to, plane::bulk, to_peer(peer_method::metadata_copy, request), copy_timeout,
      [done = std::move(done)](
        result<peer_message> page) { done(page ? parse_head<pb::state_copy_page>(*page) : std::move(page).error()); });
  };
  metadata_syncer = spawn_syncer(system, true);
  metadata_worker = spawn_worker(system, true);
  m.syncer = metadata_syncer;
  m.worker = metadata_worker;
  auto there = m.files->exists("raft/vote");
  if (!there) return in_role("metadata", there.error());
  o.pristine = !*there;
  o.must_not_found = why_not_found();
  auto& first = config.metadata.members;
  o.founder = std::find(first.begin(), first.end(), self.id) != first.end();
  for (auto& g : group) o.others.emplace_back(g.node, g.actor);
  member = spawn_forming_member(system, std::move(o));
  group.emplace_back(self.id.name, member);
  return {};
}

void node_process::impl::start_router() {
  metadata_router_options o;
  o.members = group;
  o.reach = [this](const std::string& node) {
    auto to = addresses->find(node);
    return to ? spawn_remote_metadata(system, net, *to, 15s) : metadata_actor{};
  };
  router = spawn_metadata_router(system, std::move(o));
}

} // namespace troupe
