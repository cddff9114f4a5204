// `troupe storage cluster-status`, and the commands for what buckets do not have yet, which say so.
#include "cli/console_failure.hpp"
#include "cli/json_fields.hpp"
#include "cli/s3_client.hpp"
#include "cli/s3_failure.hpp"
#include "cli/storage.hpp"

#include <boost/json/parse.hpp>
#include <CLI/CLI.hpp>

#include <vector>

namespace troupe::cli {

namespace json = boost::json;

namespace {

result<> cluster_status(session& s) {
  s3_client client{s.where, {.stop = s.signals.token()}};
  auto answer = client.call({.method = "GET", .bucket = "storage", .key = "cluster/status"});
  if (!answer) return answer.error();
  json::error_code bad;
  const auto value = json::parse(answer->body, bad);
  if (bad || !value.is_object()) return fail(ec::bad_request, s.where.endpoint + " does not answer as a console does");
  const auto& data = object_of(value.get_object(), "data");
  if (s.json) {
    print_json(data);
    return {};
  }
  for (const auto& n : array_of(data, "nodes")) {
    if (!n.is_object()) continue;
    const auto& node = n.get_object();
    const auto seen = text_of(node, "last_seen");
    print_line(shown(text_of(node, "id")) + "  " + shown(text_of(node, "address")) + "  " +
      shown(text_of(node, "status")) + (seen.empty() ? "  does not answer" : "  seen " + shown(seen)));
  }
  return check_stdout();
}

struct absent_flags : storage_flags {
  std::vector<std::string> rest;
};

} // namespace

void add_cluster_commands(CLI::App& storage, command& chosen) {
  const auto flags = std::make_shared<storage_flags>();
  auto* const status = storage.add_subcommand("cluster-status", "The storage nodes, and which of them answer");
  status->add_flag("--json", flags->json, "Print the answer as JSON");
  status
    ->add_option("--connect", flags->where.console,
      "A node's console; else TROUPE_CONSOLE, the credentials file's, 127.0.0.1:9001")
    ->type_name("HOST:PORT")
    ->group("Connection");
  add_credential_options(*status, flags->where);
  status->footer(
    "`troupe admin nodes` says more.\n\nExamples:\n  troupe storage cluster-status --connect storage-1:9001");
  status->callback([flags, &chosen] {
    chosen = [flags] {
      return run_connected(resolve_console(flags->where, process_environment()), *flags, "cluster-status",
        cluster_status, console_hint_for);
    };
  });

  const auto ignored = std::make_shared<absent_flags>();
  for (const std::string name : {"versions", "versioning", "lifecycle"}) {
    auto* const absent = storage.add_subcommand(name, "Not there: buckets keep no versions and have no rules");
    absent->add_option("ARGUMENTS", ignored->rest, "Whatever they are");
    absent->allow_extras();
    absent->footer("Says that it is not there, and ends with 1.");
    absent->callback([name, ignored, &chosen] { // which it fills
      chosen = [name] {
        return report_failure(name,
          fail(ec::not_implemented,
            name + " is not there: buckets keep " +
              (name == "lifecycle" ? "no rules for their objects" : "one version of each object")),
          {});
      };
    });
  }
}

} // namespace troupe::cli
