#include "actors/forming_member.hpp"
#include "actors/peer_methods.hpp"
#include "actors/remote_metadata.hpp"
#include "core/map_change.hpp"
#include "roles/node_controls.hpp"
#include "roles/node_process_impl.hpp"
#include "store/disk.hpp"
#include "store/separated_base.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds copy_timeout{15};   // of a page of a metadata member's state
constexpr std::chrono::seconds member_question{2}; // an io thread waits for it

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

namespace {

std::string replaced_by(const node_directory& data, const group_generation& member, const group_generation& group) {
  return "it is of the metadata group of generation " + to_string(member) + ", which generation " + to_string(group) +
    " has replaced (`troupe recover metadata`). Move " + data.metadata() +
    " aside and start this node again; `troupe admin members add` makes it a member of the new group";
}

} // namespace

void node_process::impl::end_replaced(const group_generation& by) {
  auto of_member = data.member_generation();
  auto why = fail(ec::conflict,
    "the metadata member of this node can not go on: " +
      replaced_by(data, of_member ? *of_member : group_generation{}, by));
  spdlog::error("{}", why.message);
  caf::anon_send_exit(member, caf::exit_reason::kill); // nothing more is committed there
  {
    std::lock_guard lock{failure_mutex};
    failure = std::move(why);
  }
  ::kill(::getpid(), SIGTERM);
}

result<> node_process::impl::take_over(const group_generation& g) {
  enum class holds : std::uint8_t { nothing, a_group, not_open };
  result<holds> here = holds::not_open;
  if (member) {
    caf::scoped_actor asker{system};
    asker->request(member, member_question, status_atom::value)
      .receive(
        [&](const wire<pb::metadata_status>& s) {
          here = s->members().empty() && s->applied_index() == 0 ? holds::nothing : holds::a_group;
        },
        [&](const caf::error& e) {
          if (auto why = from_caf(e); why.code != ec::closed) here = std::move(why); // closed: it did not start
        });
  }
  if (!here) return fail(ec::unavailable, "this node's metadata member is starting: " + here.error().message);
  spdlog::warn("the metadata group is of generation {}: it was made anew by `troupe recover metadata`", to_string(g));
  if (*here == holds::nothing) TROUPE_TRY(data.set_member_generation(g)); // else the next start compares again
  TROUPE_TRY(data.set_generation(g));
  if (*here != holds::a_group) return {};
  end_replaced(g);
  return fail(ec::conflict, "this node's metadata member is of a group that was replaced");
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
  auto base = open_separated_base({.path = directory + "/state"});
  if (!base) return in_role("metadata", base.error());
  forming_member_options o;
  auto& m = o.member;
  m.id = raft_id_of(self.id);
  m.address = self.id.name; // found in the address book
  m.members.clear();
  for (auto& id : config.metadata.members) m.members.push_back({raft_id_of(id), id.name});
  m.files = node_disk(directory, "metadata", faults.get());
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
  m.tracing = observed->tracing();
  metadata_syncer = spawn_syncer(system, true, observed->metadata_syncs());
  metadata_worker = spawn_worker(system, true);
  m.syncer = metadata_syncer;
  m.worker = metadata_worker;
  m.latencies = latencies;
  auto there = m.files->exists("raft/vote");
  if (!there) return in_role("metadata", there.error());
  o.pristine = !*there;
  o.must_not_found = why_not_found();
  auto of_member = data.member_generation();
  if (!of_member) return in_role("metadata", of_member.error());
  if (o.pristine) {
    if (data.generation().number != 0) TROUPE_TRY(data.set_member_generation(data.generation()));
  } else if (*of_member != data.generation()) {
    o.must_not_open = replaced_by(data, *of_member, data.generation());
  }
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
