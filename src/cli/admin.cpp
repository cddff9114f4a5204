#include "cli/admin.hpp"

#include "cli/console_failure.hpp"

#include <boost/json/parse.hpp>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

constexpr const char* admin_examples =
  R"(Any node's console answers for the whole cluster. Requests are signed with root's key or a user's, from flags, the environment
(TROUPE_CONSOLE, TROUPE_ACCESS_KEY, TROUPE_SECRET_KEY), or the file that `troupe dev` wrote into --data.

Examples:
  troupe admin status
  troupe admin nodes --connect storage-1:9001
  troupe admin where photos/2026/cat.jpg
  troupe admin drain node-3 --wait
  troupe admin remove node-3
  troupe admin members add node-4
  troupe admin watch)";

// /admin/... as the client takes paths: a bucket and a key.
s3_request request_of(const char* method, const std::string& path, name_values query) {
  return {.method = method, .bucket = "admin", .key = path, .query = std::move(query)};
}

result<json::object> answer_of(session& s, const s3_request& request) {
  s3_client client{s.where, {.stop = s.signals.token()}};
  auto answer = client.call(request);
  if (!answer) return answer.error();
  json::error_code bad;
  auto value = json::parse(answer->body, bad);
  if (bad || !value.is_object()) return fail(ec::bad_request, s.where.endpoint + " does not answer as a console does");
  return std::move(value.get_object());
}

} // namespace

void add_admin(CLI::App& app, command& chosen) {
  auto* const admin = app.add_subcommand("admin",
    "See and change a cluster: status, nodes, raft, actors, watch, where, ring, drain, remove, repair, user, key, ...");
  admin->require_subcommand(0, 1);
  admin->footer(admin_examples);
  add_looking_commands(*admin, chosen);
  add_changing_commands(*admin, chosen);
  add_identity_commands(*admin, chosen);
  add_healing_commands(*admin, chosen);
  add_watch_command(*admin, chosen);
  add_fault_commands(*admin, chosen);
  add_log_command(*admin, chosen);
  add_directory_commands(*admin, chosen);
  add_shards_commands(*admin, chosen);
  add_bucket_command(*admin, chosen);
  add_volume_commands(*admin, chosen);
}

CLI::App* add_admin_command(
  CLI::App& admin, const std::string& name, const std::string& description, admin_flags& flags) {
  auto* const added = admin.add_subcommand(name, description);
  added->add_flag("--json", flags.json, "Print the answer as JSON");
  added
    ->add_option(
      "--connect", flags.where.console, "A node's console; else TROUPE_CONSOLE, the credentials file's, 127.0.0.1:9001")
    ->type_name("HOST:PORT")
    ->group("Connection");
  add_credential_options(*added, flags.where);
  return added;
}

int run_admin(const admin_flags& flags, const std::string& what, const std::function<result<>(session&)>& work) {
  return run_connected(
    resolve_console(flags.where, process_environment()), flags, "admin " + what, work, console_hint_for);
}

result<json::object> admin_get(session& s, const std::string& path, name_values query) {
  return answer_of(s, request_of("GET", path, std::move(query)));
}

result<> admin_stream(session& s, const std::string& path, name_values query, response_sink& sink) {
  s3_client client{s.where, {.stop = s.signals.token()}};
  auto request = request_of("GET", path, std::move(query));
  request.sink = &sink;
  auto ended = client.call(request);
  if (!ended) return ended.error();
  return {};
}

result<json::object> admin_post(session& s, const std::string& path, name_values query, const std::string& body) {
  auto request = request_of("POST", path, std::move(query));
  request.text = body;
  request.again = repeat::when_refused;
  return answer_of(s, request);
}

} // namespace troupe::cli
