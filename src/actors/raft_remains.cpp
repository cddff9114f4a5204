#include "actors/raft_remains.hpp"

#include "actors/raft_disk.hpp"
#include "actors/raft_wire.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::uint64_t terms_of_a_group = 1'000'000;

result<std::unique_ptr<raft_disk>> opened(const raft_remains_options& o) {
  raft_disk_options how;
  how.directory = o.directory;
  how.state_index = o.state_index;
  return raft_disk::open(*o.files, std::move(how));
}

} // namespace

std::uint64_t term_of_a_new_group(std::uint64_t last) { return (last / terms_of_a_group + 1) * terms_of_a_group; }

result<raft_remains> look_at(const raft_remains_options& o) {
  auto disk = opened(o);
  if (!disk) return disk.error();
  auto& d = **disk;
  raft_remains r;
  r.term = d.term();
  r.last_index = d.last_index();
  r.state_index = o.state_index;
  r.recovering = d.recovering();
  if (o.state_index < d.snapshot_index() || o.state_index > d.last_index())
    return fail(
      ec::corrupt, o.directory + ": the state beside the log is not of it: one of the two was lost or replaced");
  if (d.manifest()) {
    r.last_term = d.manifest()->term();
    r.members.assign(d.manifest()->servers().begin(), d.manifest()->servers().end());
  }
  for (auto& e : d.take_loaded()) {
    r.last_term = e.term;
    if (e.type == RAFT_CHANGE) {
      auto configuration = raft_wire::decode_configuration(e.payload.view());
      if (!configuration) return configuration.error();
      r.members.assign(configuration->servers().begin(), configuration->servers().end());
    }
    if (e.type != RAFT_COMMAND) continue;
    pb::log_entry command;
    if (!command.ParseFromArray(e.payload.data(), static_cast<int>(e.payload.size())))
      return fail(ec::corrupt, o.directory + ": an entry of the log does not parse");
    for (auto& b : command.batches()) r.last_commit_ms = std::max(r.last_commit_ms.value_or(0), b.now_ms());
  }
  return r;
}

result<> found_alone(const raft_remains_options& o, const raft_member& self) {
  auto disk = opened(o);
  if (!disk) return disk.error();
  auto& d = **disk;
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  raft_buffer encoded{};
  auto rv = raft_configuration_add(&configuration, self.id, self.address.c_str(), RAFT_VOTER);
  if (rv == 0) rv = raft_configuration_encode(&configuration, &encoded);
  raft_configuration_close(&configuration);
  if (rv != 0) return fail(ec::internal, std::string{"a configuration of one member: "} + raft_strerror(rv));
  raft_disk::entry change{.term = term_of_a_new_group(d.term()),
    .type = RAFT_CHANGE,
    .payload = {static_cast<const std::byte*>(encoded.base), encoded.len}};
  auto written = d.set_vote(change.term, 0);
  if (written) written = d.append({&change, 1});
  if (written) written = d.sync();
  raft_free(encoded.base);
  return written;
}

} // namespace troupe
