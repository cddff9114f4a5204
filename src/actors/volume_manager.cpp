#include "actors/volume_manager.hpp"

#include "actors/census.hpp"
#include "actors/shard.hpp"
#include "actors/syncer.hpp"
#include "actors/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/result.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <sstream>

namespace troupe {
namespace {

constexpr const char* identity_path = "volume";
constexpr const char* format = "1";
constexpr std::uint64_t identity_bytes_max = 4096;

std::map<std::string, std::string> parse_identity(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (auto equals = line.find(" = "); equals != std::string::npos)
      out[line.substr(0, equals)] = line.substr(equals + 3);
  return out;
}

result<> check_identity(disk& d, const volume_options& o) {
  auto there = d.exists(identity_path);
  if (!there) return there.error();
  if (*there) {
    auto text = read_file(d, identity_path, identity_bytes_max);
    if (!text) return text.error();
    auto found = parse_identity(*text);
    auto where = "volume " + o.directory;
    if (found["format"] != format)
      return fail(ec::incompatible, where + " has format '" + found["format"] + "'; this version knows " + format);
    if (found["cluster"] != o.cluster)
      return fail(ec::conflict, where + " belongs to cluster " + found["cluster"] + ", not " + o.cluster);
    if (found["node"] != o.node)
      return fail(ec::conflict, where + " belongs to node " + found["node"] + ", not " + o.node);
    return {};
  }
  auto log_there = d.exists(o.store.directory + "/wal.active");
  if (!log_there) return log_there.error();
  if (*log_there)
    return fail(ec::conflict, "volume " + o.directory + " has a log but no file '" + identity_path + "': whose is it?");
  if (o.had_data)
    spdlog::error(
      "volume {} of node {} is empty, but the node had data: its pieces are lost and will be read from others",
      o.directory, o.node);
  auto text = std::string{"format = "} + format + "\ncluster = " + o.cluster + "\nnode = " + o.node + "\n";
  return replace_file(d, identity_path, as_bytes(text));
}

// The index is only a shortcut: whatever is wrong with it, the log has it all.
result<std::shared_ptr<state_base>> open_index(const volume_options& o) {
  auto path = o.directory + "/index";
  auto opened = open_lmdb_base({.path = path});
  if (opened && (*opened)->position()) return std::shared_ptr<state_base>{std::move(*opened)};
  auto why = opened ? (*opened)->position().error() : opened.error();
  if (opened) opened->reset();
  for (int n = 1; n < 1000; ++n) {
    auto aside = path + ".damaged-" + std::to_string(n);
    std::error_code failed;
    if (std::filesystem::exists(aside, failed)) continue;
    std::filesystem::rename(path, aside, failed);
    if (failed) break;
    spdlog::error("volume {}: the index can not be opened ({}): set aside as {}, rebuilding it from the log",
      o.directory, why.message, aside);
    auto fresh = open_lmdb_base({.path = path});
    if (!fresh) return fresh.error();
    return std::shared_ptr<state_base>{std::move(*fresh)};
  }
  return why;
}

struct volume_state {
  volume_state() = default;
  volume_state(const volume_state&) = delete;
  volume_state& operator=(const volume_state&) = delete;
  ~volume_state() { // the shard first: it is the one that uses the others
    caf::anon_send_exit(shard, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(syncer, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  }
  static inline const char* name = "volume_manager";
  std::string node;
  shard_actor shard;
  syncer_actor syncer;
  worker_actor worker;
};

volume_manager_actor::behavior_type volume_manager(volume_manager_actor::stateful_pointer<volume_state> self,
  const std::string& node, const shard_actor& shard, const syncer_actor& syncer, const worker_actor& worker) {
  auto& s = self->state;
  s.node = node;
  s.shard = shard;
  s.syncer = syncer;
  s.worker = worker;
  self->set_default_handler(caf::drop);
  self->monitor(shard);
  self->set_down_handler([self](const caf::down_msg& down) {
    spdlog::error("volume manager of {}: the shard ended: {}", self->state.node, self->system().render(down.reason));
    self->state.shard = nullptr;
  });
  return {
    [self](shards_atom) -> caf::result<shard_actor> {
      if (!self->state.shard) return to_caf(fail(ec::unavailable, "the shard of " + self->state.node + " has ended"));
      return self->state.shard;
    },
  };
}

} // namespace

result<volume_manager_actor> spawn_volume_manager(caf::actor_system& system, volume_options o) {
  if (o.store.directory.empty()) o.store.directory = "shard";
  if (!o.files) {
    std::error_code failed;
    std::filesystem::create_directories(o.directory, failed);
    if (failed) return fail(ec::io_error, "volume " + o.directory + ": " + failed.message());
    o.files = make_posix_disk(o.directory);
  }
  TROUPE_TRY(check_identity(*o.files, o));
  if (!o.index) {
    auto index = open_index(o);
    if (!index) return index.error();
    o.index = std::move(*index);
  }
  shard_options s;
  s.node = o.node;
  s.volume = o.files;
  s.store = o.store;
  s.index = o.index;
  s.detached = o.detached;
  s.compaction_bytes_per_second = o.compaction_bytes_per_second;
  s.scrub_bytes_per_second = o.scrub_bytes_per_second;
  s.scrub_interval = o.scrub_interval;
  s.clock = o.clock;
  s.tracing = o.tracing;
  auto syncer = spawn_syncer(system, o.detached, o.sync_times);
  auto worker = spawn_worker(system, o.detached);
  s.syncer = syncer;
  s.worker = worker;
  auto shard = spawn_shard(system, std::move(s));
  if (!shard) {
    caf::anon_send_exit(syncer, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
    return shard.error();
  }
  return spawn_counted(system, volume_manager, o.node, *shard, syncer, worker);
}

} // namespace troupe
