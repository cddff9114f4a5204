// `troupe admin shards`: what volumes of the shards surface need from an operator.
#include "cli/admin.hpp"
#include "cli/service.hpp"
#include "volumes/volume_snapshot.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {
namespace {

struct shards_flags {
  std::string from, to;
};

} // namespace

void add_shards_commands(CLI::App& admin, command& chosen) {
  auto* const shards_app = admin.add_subcommand(
    "shards", "Volumes of the shards surface (gRPC); its clients are users, see `troupe admin user` and `key`");
  shards_app->require_subcommand(1);
  const auto flags = std::make_shared<shards_flags>();
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
