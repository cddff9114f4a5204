#include "cli/commands.hpp"

#include "cli/cluster_flags.hpp"
#include "cli/console.hpp"
#include "cli/dev.hpp"
#include "cli/serve.hpp"
#include "cli/version.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

namespace troupe::cli {

namespace {

constexpr const char* commands_examples = R"(Examples:
  troupe dev                                    a store with five nodes on this machine, S3 at http://127.0.0.1:9000
  troupe storage mb photos                      make a bucket
  troupe storage put cat.jpg photos/cat.jpg     put a file into it
  troupe storage ls photos                      see it
  troupe storage get photos/cat.jpg copy.jpg    get it back
  troupe bench put --size 4KiB --duration 10s   measure
  troupe ca init                                make the certificate authority of a cluster
  troupe admin status                           see how a cluster is

`troupe SUBCOMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong command line.)";

constexpr const char* dev_examples =
  R"(Everything lives under --data: one folder a node, and DIR/credentials with the keys that are made at the first start.
`troupe storage` and `troupe bench` find that file by themselves when they run in the same folder.
Ctrl-C, SIGTERM, or a terminal that goes away (SIGHUP) stop it in order; under nohup it stays.

Examples:
  troupe dev
  troupe dev --data /srv/troupe --s3 0.0.0.0:9000 --nodes 3
  troupe dev --tls-cert server.pem --tls-key server.key)";

constexpr const char* serve_examples =
  R"(The same configuration goes to every host; config/reference.yaml has every key. Between hosts nodes need certificates:
`troupe ca --help`. It prints `listening ...` once its ports are open; /ready on the console port says when it serves.
SIGTERM stops it in order, a second one at once. SIGHUP changes nothing: certificates are read by themselves, other keys
need a restart.

Examples:
  troupe serve --config config/cluster.yaml --node node-1
  troupe serve --config config/cluster.yaml --node node-3 --roles storage,metadata
  TROUPE_CONFIG=/etc/troupe/cluster.yaml TROUPE_NODE=node-2 troupe serve)";

CLI::App& deepest(CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : deepest(*chosen.front());
}

// CLI11's own messages do not say which program speaks, and end without saying where help is.
int report_usage(CLI::App& app, const CLI::ParseError& problem) {
  std::string path = "troupe";
  for (auto* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += ' ' + at->get_name();
  }
  std::fprintf(stderr, "troupe: %s\n  hint: `%s --help` shows the usage\n", problem.what(), path.c_str());
  return 2;
}

} // namespace

void add_dev(CLI::App& app, command& chosen) {
  auto* const dev = app.add_subcommand("dev", "Run a whole store on this machine: several nodes in one process");
  const auto options = std::make_shared<dev_options>();
  dev->add_option("--data", options->data, "Folder for everything it keeps; made when absent")
    ->capture_default_str()
    ->type_name("DIR");
  dev->add_option("--s3", options->s3, "Where the S3 endpoint listens")->capture_default_str()->type_name("HOST:PORT");
  dev->add_option("--console", options->console, "Where the web console listens")
    ->capture_default_str()
    ->type_name("HOST:PORT");
  for (std::size_t k = 0; k < front_kinds.size(); ++k)
    dev
      ->add_option(std::string{"--"} + front_kinds[k].name, options->fronts[k],
        std::string{"Where the front door \""} + front_kinds[k].name + "\" listens; off without it")
      ->type_name("HOST:PORT");
  dev->add_flag("--all", options->all_fronts, "Every front door, on 127.0.0.1 and the port that its clients expect");
  for (std::size_t k = 0; k < files_flags.size(); ++k) {
    const auto& flag = files_flags[k];
    dev
      ->add_option(
        flag.name, options->files[k], std::string{flag.description} + " (default " + flag.shown_default + ")")
      ->envname(flag.variable)
      ->type_name(flag.type);
  }
  dev->add_option("--nodes", options->nodes, "How many nodes; kept by the data folder")
    ->capture_default_str()
    ->check(CLI::Range(1, 64))
    ->type_name("N");
  dev->add_flag(
    "--encrypt", options->encrypt, "Encrypt new content at rest, with the key in the data folder's master.key");
  dev
    ->add_option("--tls-cert,--https-cert", options->https_certificate,
      "Speak https on every front door, with this certificate (PEM); else TROUPE_HTTPS_CERT")
    ->type_name("FILE");
  dev->add_option("--tls-key,--https-key", options->https_key, "Its private key (PEM); else TROUPE_HTTPS_KEY")
    ->type_name("FILE");
  add_trace_options(*dev, options->tracing);
  add_log_options(*dev, options->log);
  dev->footer(dev_examples);
  dev->callback([options, &chosen] { chosen = [options] { return run_dev(*options); }; });
}

void add_serve(CLI::App& app, command& chosen) {
  auto* const serve = app.add_subcommand("serve", "Run one node of a cluster");
  const auto flags = std::make_shared<cluster_flags>();
  add_cluster_options(*serve, *flags);
  add_log_options(*serve, flags->log);
  serve->footer(serve_examples);
  serve->callback([flags, &chosen] { chosen = [flags] { return run_serve(*flags); }; });
}

void add_console(CLI::App& app, command& chosen) {
  auto* const console = app.add_subcommand("console", "Administer a cluster at a prompt");
  const auto options = std::make_shared<console_options>();
  console->add_option("--connect", options->connect, "A node's console; else as `troupe admin` finds it")
    ->type_name("HOST:PORT");
  console
    ->add_option("--ca-cert", options->ca_file, "Certificate authorities to trust for https (PEM); else TROUPE_CA_CERT")
    ->type_name("FILE")
    ->check(CLI::ExistingFile);
  console->add_option("-c", options->commands, "Run this command and end; may be repeated")
    ->type_name("COMMAND")
    ->allow_extra_args(false);
  console->footer("`help` at the prompt shows the commands.\n\nExamples:\n  troupe console\n  troupe console --connect "
                  "storage-1:9001 -c status -c nodes");
  console->callback([options, &chosen] { chosen = [options] { return run_console(*options); }; });
}

void add_connection_options(CLI::App& app, connection_flags& flags) {
  app
    .add_option(
      "--endpoint", flags.endpoint, "S3 endpoint; else TROUPE_ENDPOINT, the credentials file's, http://127.0.0.1:9000")
    ->type_name("URL")
    ->group("Connection");
  add_credential_options(app, flags);
}

void add_credential_options(CLI::App& app, connection_flags& flags) {
  constexpr const char* group = "Connection";
  app.add_option("--access-key", flags.access_key, "Access key; else TROUPE_ACCESS_KEY, else the credentials file's")
    ->type_name("KEY")
    ->group(group);
  app
    .add_option(
      "--secret-key", flags.secret_key, "Its secret; else TROUPE_SECRET_KEY, which does not show in the process list")
    ->type_name("SECRET")
    ->group(group);
  app
    .add_option(
      "--data", flags.data, "Folder of `troupe dev`, whose credentials file gives keys and endpoint (default ./data)")
    ->type_name("DIR")
    ->group(group);
  app.add_option("--region", flags.region, "Region to sign for; else TROUPE_REGION, us-east-1")
    ->type_name("NAME")
    ->group(group);
  app
    .add_option("--ca-cert,--ca-file", flags.ca_file,
      "Certificate authorities to trust for https (PEM); else TROUPE_CA_CERT, the system's. Addresses mean https then")
    ->type_name("FILE")
    ->group(group)
    ->check(CLI::ExistingFile);
  app
    .add_flag(
      "--insecure-skip-verify", flags.skip_verify, "Do not check who answers over https. Never where it matters")
    ->group(group);
}

int run(int argc, const char* const* argv) {
  std::signal(SIGPIPE, SIG_IGN); // a closed connection or pipe is an error of the write
  CLI::App app{"Troupe: an S3-compatible object store in one binary", "troupe"};
  app.set_version_flag("--version", std::string{"troupe "} + version, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(commands_examples);
  app.require_subcommand(0, 1);
  command chosen;
  add_dev(app, chosen);
  add_serve(app, chosen);
  add_console(app, chosen);
  add_storage(app, chosen);
  add_bench(app, chosen);
  add_ca(app, chosen);
  add_admin(app, chosen);
  add_recover(app, chosen);
  auto* const help = app.add_subcommand("help", "Print this help, or that of a subcommand");
  const auto topic = std::make_shared<std::vector<std::string>>();
  help->add_option("SUBCOMMAND", *topic, "For example: storage put");
  help->callback([&] {
    chosen = [&app, topic] {
      auto* at = &app;
      auto path = app.get_name(); // as the usage line shows it
      for (const auto& name : *topic) {
        const auto known = at->get_subcommands([&name](const CLI::App* sub) { return sub->get_name() == name; });
        if (known.empty()) {
          std::fprintf(
            stderr, "troupe: help: there is no subcommand '%s'\n  hint: `troupe --help` shows them\n", name.c_str());
          return 2;
        }
        at = known.front();
        path += ' ' + at->get_name();
      }
      // Not at->help(): that of the app would be the help of the subcommand that was chosen, "help".
      std::fputs(at->get_formatter()->make_help(at, path, CLI::AppFormatMode::Normal).c_str(), stdout);
      return 0;
    };
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) { // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& problem) { return report_usage(app, problem); }
  if (!chosen) {
    std::fputs(deepest(app).help().c_str(), stderr);
    return 2;
  }
  return chosen();
}

} // namespace troupe::cli
