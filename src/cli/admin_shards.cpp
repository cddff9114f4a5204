// `troupe admin shards`: what clients of the shards surface need from an operator.
#include "api/shards/authenticator.hpp"
#include "cli/admin.hpp"
#include "cli/service.hpp"
#include "volumes/volume_snapshot.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {
namespace {

struct shards_flags : admin_flags {
  std::string client;
  std::string from, to;
};

} // namespace

void add_shards_commands(CLI::App& admin, command& chosen) {
  auto* const shards_app = admin.add_subcommand("shards", "Tokens for clients of the shards surface (gRPC)");
  shards_app->require_subcommand(1);
  shards_app->footer("A token is made from the store's secret key and the client's name, here: no server is asked, and "
                     "nothing is kept.\nWhoever has it is that client, until the secret key changes.\n\nExamples:\n  "
                     "troupe admin shards token alice\n  troupe admin shards token alice --data ./data");
  const auto flags = std::make_shared<shards_flags>();
  auto* const token = add_admin_command(*shards_app, "token", "Print the token of a client", *flags);
  token->add_option("CLIENT", flags->client, "The client's id: 1 to 63 of a-z A-Z 0-9 . _ -")->required();
  token->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "shards token", [&](session& s) -> result<> {
        if (!shards::is_client_id(flags->client))
          return fail(ec::bad_argument, "a client id needs 1 to 63 of a-z A-Z 0-9 . _ -");
        auto made = shards::make_client_token(s.where.secret_key, flags->client);
        if (s.json)
          print_json({{"client", flags->client}, {"token", made}});
        else
          print_line(made);
        return {};
      });
    };
  });
  auto* const restore = shards_app->add_subcommand("restore",
    "Put the shards of a snapshot into the directory of a volume, on this machine, while no process has it attached");
  restore->add_option("SNAPSHOT", flags->from, "VOLUME/snapshots/NAME, or a copy of it")->required();
  restore->add_option("DIRECTORY", flags->to, "The volume's directory; it must have no shards")->required();
  restore->callback([flags, &chosen] {
    chosen = [flags] {
      auto done = restore_volume(flags->from, flags->to);
      if (!done) return complain(fail(done.error().code, "admin shards restore: " + done.error().message));
      print_line(std::to_string(done->shards) + " shards, " + std::to_string(done->bytes) + " bytes");
      return 0;
    };
  });
}

} // namespace troupe::cli
