// `troupe ca` on the command line: its subcommands, their options and help.
#include "base/environment.hpp"
#include "cli/ca.hpp"
#include "cli/commands.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace {

constexpr const char* ca_examples =
  R"(Nodes prove to each other who they are with certificates of one authority. Make it once, issue one certificate for each
node of the configuration, and copy to each host: ca.pem, NODE.pem, NODE.key. ca.key stays where the authority is.

Examples:
  troupe ca init --dir ca
  troupe ca issue node-1 --dir ca --host storage-1 --host 10.0.0.7
  troupe ca show ca/node-1.pem)";

constexpr const char* init_examples =
  R"(Makes DIR/ca.pem and DIR/ca.key. An authority that is there is never overwritten.

Examples:
  troupe ca init
  troupe ca init --dir /etc/troupe/ca --days 1825)";

constexpr const char* issue_examples =
  R"(Makes NODE.pem and NODE.key, for the node's id and each --host: the names and addresses that others reach it by.
To renew a certificate, issue it into another directory, replace both files on the host, and restart the node.

Examples:
  troupe ca issue node-1 --host storage-1
  troupe ca issue node-2 --dir ca --host storage-2 --host 10.0.0.8 --out for-storage-2)";

constexpr const char* show_examples = R"(Examples:
  troupe ca show ca/ca.pem
  troupe ca show /etc/troupe/node-1.pem)";

void add_dir(CLI::App& app, std::string& dir, const char* description) {
  app.add_option("--dir", dir, description)->capture_default_str()->type_name("DIR");
}

void add_days(CLI::App& app, std::uint32_t& days) {
  app.add_option("--days", days, "How long the certificate is valid")
    ->capture_default_str()
    ->check(CLI::Range(std::uint32_t{1}, certificate_days_max))
    ->type_name("N");
}

void add_init(CLI::App& ca, command& chosen) {
  auto* const init = ca.add_subcommand("init", "Make the cluster's certificate authority");
  const auto options = std::make_shared<ca_init_options>();
  add_dir(*init, options->dir, "Folder of the authority; made when absent");
  add_days(*init, options->days);
  init->footer(init_examples);
  init->callback([options, &chosen] {
    chosen = [options] { return run_ca_init(*options, system_clock_source().now(), system_entropy()); };
  });
}

void add_issue(CLI::App& ca, command& chosen) {
  auto* const issue = ca.add_subcommand("issue", "Make the certificate and key of a node");
  const auto options = std::make_shared<ca_issue_options>();
  issue->add_option("NODE", options->node, "Its id in the cluster's configuration")->required();
  add_dir(*issue, options->dir, "Folder of the authority");
  issue->add_option("--out", options->out, "Folder for what is made; else that of the authority")->type_name("DIR");
  issue->add_option("--host", options->hosts, "A name or address that others reach it by; may be repeated")
    ->type_name("NAME_OR_IP")
    ->allow_extra_args(false); // a NODE may follow
  add_days(*issue, options->days);
  issue->footer(issue_examples);
  issue->callback([options, &chosen] {
    chosen = [options] { return run_ca_issue(*options, system_clock_source().now(), system_entropy()); };
  });
}

void add_show(CLI::App& ca, command& chosen) {
  auto* const show = ca.add_subcommand("show", "Say whose a certificate is and how long it is valid");
  const auto file = std::make_shared<std::string>();
  show->add_option("FILE", *file, "A certificate (PEM)")->required();
  show->footer(show_examples);
  show->callback([file, &chosen] { chosen = [file] { return run_ca_show(*file, system_clock_source().now()); }; });
}

} // namespace

void add_ca(CLI::App& app, command& chosen) {
  auto* const ca = app.add_subcommand("ca", "The certificates of a cluster: init, issue, show");
  ca->require_subcommand(0, 1);
  ca->footer(ca_examples);
  add_init(*ca, chosen);
  add_issue(*ca, chosen);
  add_show(*ca, chosen);
}

} // namespace troupe::cli
