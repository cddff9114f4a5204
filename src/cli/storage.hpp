// storage: `troupe storage`: the commands on buckets and objects of an S3 endpoint. What they share: the flags, the
// session that a command runs in, and how results are shown. Each family of commands has its own .cpp.
#pragma once

#include "cli/commands.hpp"
#include "cli/connection.hpp"
#include "cli/interrupts.hpp"
#include "cli/object_name.hpp"

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::cli {

struct storage_flags {
  connection_flags where;
  bool json = false;
  bool quiet = false;
};

struct session {
  connection where;
  interrupts signals;
  bool json = false;
  bool quiet = false;
};

// Resolves the connection and runs `work`; turns its error into the message "troupe: WHAT: ..." and the exit code.
int run_session(const storage_flags&, const std::string& what, const std::function<result<>(session&)>& work);

// The same on a connection that was resolved, or was not, by the caller. `hint`: see report_failure.
int run_connected(result<connection> where, const storage_flags&, const std::string& what,
  const std::function<result<>(session&)>& work, std::string_view (*hint)(const error&) noexcept);

// A subcommand of `storage` with the flags that all have.
CLI::App* add_storage_command(
  CLI::App& storage, const std::string& name, const std::string& description, storage_flags&);

void add_bucket_commands(CLI::App& storage, command& chosen);   // mb, rb, ls, list
void add_object_commands(CLI::App& storage, command& chosen);   // rm, cp, stat, presign
void add_transfer_commands(CLI::App& storage, command& chosen); // put, get, cat, upload, download
void add_cluster_commands(CLI::App& storage, command& chosen);  // cluster-status, and what is not there

// One line of JSON on stdout.
void print_json(const boost::json::object&);
// One line of text on stdout.
void print_line(std::string_view);
// io_error once stdout cannot be written (a closed pipe): a long listing stops there.
result<> check_stdout();
// For people: control characters, which a key may hold, shown as '?'.
std::string shown(std::string_view name);
// "dir/cat.jpg" -> "cat.jpg"
std::string last_part(std::string_view path);
// Where a copy of `source` goes when `to` is a bucket or ends with a slash.
object_name completed(object_name to, std::string_view source);

} // namespace troupe::cli
