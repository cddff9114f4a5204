// admin: `troupe admin`: what an operator sees and changes, by the console of any node (docs/ADMIN.md). Here: what its
// commands share. Looking: admin_look.cpp and admin_watch.cpp; changing: admin_change.cpp, admin_heal.cpp, admin_fault.cpp and
// admin_volumes.cpp; drain --wait: admin_drain.cpp.
#pragma once

#include "cli/commands.hpp"
#include "cli/s3_client.hpp"
#include "cli/storage.hpp"

#include <boost/json/object.hpp>

#include <functional>
#include <string>

namespace troupe::cli {

struct admin_flags : storage_flags {
  std::string node;
};

void add_identity_commands(CLI::App& admin, command& chosen);  // user, key, role, policy
void add_looking_commands(CLI::App& admin, command& chosen);   // status, nodes, raft, actors, where, ring
void add_changing_commands(CLI::App& admin, command& chosen);  // drain, undrain, remove, weight, join, members
void add_log_command(CLI::App& admin, command& chosen);        // log
void add_fault_commands(CLI::App& admin, command& chosen);     // fault drop, delay, disk, crash, clear, list
void add_healing_commands(CLI::App& admin, command& chosen);   // rebalance, repair
void add_directory_commands(CLI::App& admin, command& chosen); // directory status, resize
void add_watch_command(CLI::App& admin, command& chosen);      // watch
void add_shards_commands(CLI::App& admin, command& chosen);    // shards restore
void add_bucket_command(CLI::App& admin, command& chosen);     // bucket
void add_volume_commands(CLI::App& admin, command& chosen);    // volumes, volume snapshot, snapshots, ...

// A subcommand with the flags that all have.
CLI::App* add_admin_command(
  CLI::App& admin, const std::string& name, const std::string& description, admin_flags& flags);

// Resolves the console and runs `work`; returns the exit code.
int run_admin(const admin_flags&, const std::string& what, const std::function<result<>(session&)>& work);

// One request of the console: `path` without "/admin/". The answer is a JSON object.
result<boost::json::object> admin_get(session&, const std::string& path, name_values query = {});
// Every change may be repeated; it is done so by itself only when it was refused before anything happened.
result<boost::json::object> admin_post(
  session&, const std::string& path, name_values query = {}, const std::string& body = {});

// A GET whose answer goes on: what comes is given to `sink`, until the server ends it or the command is interrupted.
result<> admin_stream(session&, const std::string& path, name_values query, response_sink& sink);

// Waits until the node holds nothing and has left (drain --wait), showing what it still holds.
result<> wait_until_drained(session&, const std::string& node);

} // namespace troupe::cli
