#include "roles/metadata_recovery.hpp"

#include "actors/metadata_replica.hpp"
#include "actors/peer_methods.hpp"
#include "codec/text.hpp"
#include "core/map_change.hpp"
#include "net/tcp_channel.hpp"
#include "roles/node_process.hpp"
#include "store/disk.hpp"
#include "store/separated_base.hpp"

#include <algorithm>
#include <future>

namespace troupe {
namespace {

constexpr std::chrono::seconds question_timeout{5};
constexpr int voter = 1; // as libraft numbers the roles

raft_remains_options options_of(disk& files, std::uint64_t state_index) {
  return {.files = &files, .directory = "raft", .state_index = state_index};
}

metadata_recovery::other other_of(const std::string& node, const result<peer_message>& m) {
  metadata_recovery::other o{.node = node};
  auto status = m ? parse_head<pb::metadata_status>(*m) : result<pb::metadata_status>{m.error()};
  if (!status) {
    o.answer = "does not answer: " + status.error().message;
    return o;
  }
  o.applied = status->applied_index();
  o.whole = status->members_size() != 0 && !status->recovering();
  o.leads = status->state() == "leader" || status->leader_id() != 0;
  if (!o.whole)
    o.answer = "answers, and has lost its disk";
  else
    o.answer =
      "answers, and holds everything up to entry " + std::to_string(o.applied) + (o.leads ? "; there is a leader" : "");
  return o;
}

} // namespace

result<metadata_recovery> metadata_recovery::examine(const cluster_config& config, const node_id& self) {
  auto* me = config.find(self);
  if (me == nullptr) return fail(ec::bad_argument, "the configuration has no node '" + self.name + "'");
  auto there = make_posix_disk(me->data_dir)->exists("metadata/raft/vote");
  if (!there) return there.error();
  if (!*there)
    return fail(
      ec::not_found, me->data_dir + "/metadata holds no metadata member: recover from one that still has its disk");
  auto data = node_directory::open(me->data_dir, {.cluster = cluster_id_of(config.cluster_name), .node = self});
  if (!data) return data.error();
  metadata_recovery r{std::move(*data), self};
  TROUPE_TRY(r.look());
  TROUPE_TRY(r.ask(config));
  return r;
}

result<> metadata_recovery::look() {
  auto base = open_separated_base({.path = data_.metadata() + "/state"});
  if (!base) return base.error();
  auto position = (*base)->position();
  if (!position) return position.error();
  auto index = metadata_replica::index_of(*position);
  if (!index) return index.error();
  auto files = make_posix_disk(data_.metadata());
  auto remains = look_at(options_of(*files, *index));
  if (!remains) return remains.error();
  remains_ = std::move(*remains);
  return {};
}

result<> metadata_recovery::ask(const cluster_config& config) {
  tcp_channel_options o;
  o.cluster = cluster_id_of(config.cluster_name);
  o.node = self_.name;
  o.listen = "127.0.0.1:0"; // nobody is to connect
  if (auto tls = config.tls_of(self_)) o.tls = {.ca = tls->ca, .certificate = tls->certificate, .key = tls->key};
  o.generation = std::make_shared<generation_keeper>(data_.generation()); // takes nothing over
  o.clock = &system_clock_source();
  o.random = &system_entropy();
  auto net = tcp_channel::open(std::move(o));
  if (!net) return net.error();
  (*net)->start([](const std::string&, peer_message, channel::on_answer answer) {
    if (answer) answer(fail(ec::unavailable, "this node is stopped: its metadata is being looked at"));
  });
  std::vector<std::pair<std::string, std::future<result<peer_message>>>> answers;
  for (auto& m : remains_.members) {
    if (m.role() != voter || m.address() == self_.name) continue;
    auto* node = config.find(node_id{m.address()});
    auto promise = std::make_shared<std::promise<result<peer_message>>>();
    answers.emplace_back(m.address(), promise->get_future());
    if (node == nullptr)
      promise->set_value(fail(ec::not_found, "it is not in the configuration"));
    else
      (*net)->call({m.address(), to_string(node->address)}, plane::control, to_peer(peer_method::metadata_status),
        question_timeout, [promise](result<peer_message> a) { promise->set_value(std::move(a)); });
  }
  for (auto& [name, answer] : answers) others_.push_back(other_of(name, answer.get()));
  (*net)->stop();
  return {};
}

std::string metadata_recovery::objection() const {
  auto me = std::ranges::find_if(remains_.members, [&](auto& m) { return m.address() == self_.name; });
  if (remains_.members.empty()) return "this member never was in a group";
  if (remains_.recovering)
    return "this member had lost its disk itself and has not caught up: it lacks what was acknowledged before. Recover "
           "from "
           "another one";
  if (me == remains_.members.end() || me->role() != voter)
    return "this node is no voting member of the group any more: recover from one that is";
  if (others_.empty()) return "this member is the only one of its group already: start the node";
  std::size_t whole = 1;
  for (auto& o : others_) {
    if (o.leads) return "node " + o.node + " answers, and there is a metadata leader: start this node";
    if (o.applied > remains_.last_index)
      return "node " + o.node + " holds more than this one (entry " + std::to_string(o.applied) + " after " +
        std::to_string(remains_.last_index) + "): recover from that one";
    whole += o.whole;
  }
  if (whole >= majority())
    return "with this member " + std::to_string(whole) + " of " + std::to_string(others_.size() + 1) +
      " have their disks, which is a majority: start this node";
  return {};
}

result<group_generation> metadata_recovery::found() {
  std::byte raw[16];
  system_entropy().fill(raw);
  group_generation next{.number = data_.generation().number + 1, .recovery = hex_encode(bytes_view{raw})};
  // The generation first: a group of one that others take for the old one would be two groups at once.
  TROUPE_TRY(data_.set_member_generation(next));
  TROUPE_TRY(data_.set_generation(next));
  auto files = make_posix_disk(data_.metadata());
  TROUPE_TRY(found_alone(options_of(*files, remains_.state_index), {raft_id_of(self_), self_.name}));
  return next;
}

} // namespace troupe
