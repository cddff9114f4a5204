#include "cli/recover.hpp"

#include "cli/commands.hpp"
#include "cli/service.hpp"
#include "codec/text.hpp"
#include "roles/metadata_recovery.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

namespace troupe::cli {
namespace {

constexpr const char* recover_examples =
  R"(For when so many metadata members have lost their disks that the rest is no majority: the cluster refuses everything, for
ever. Stop the node whose member is left, and run this on its host. It says what is kept and what may be lost, and changes
nothing before you have repeated a number to it. docs/OPERATIONS.md has the whole procedure.

Examples:
  troupe recover metadata --config /etc/troupe/cluster.yaml --node node-3
  troupe recover metadata --config /etc/troupe/cluster.yaml --node node-3 --yes-lose-after 5417)";

void say(const std::string& line) { std::printf("%s\n", line.c_str()); }

void show(const metadata_recovery& r, const std::string& node) {
  auto& m = r.remains();
  say("metadata member of " + node + ", in " + r.place());
  say("  group      generation " + to_string(r.generation()) + ", " + std::to_string(r.others().size() + 1) +
    " voting members; a majority is " + std::to_string(r.majority()));
  for (auto& o : r.others()) say("  " + o.node + "     " + o.answer);
  say(
    "  kept       everything up to entry " + std::to_string(m.last_index) + ", of term " + std::to_string(m.last_term));
  say("             up to entry " + std::to_string(m.state_index) + " the group has certainly agreed; the " +
    std::to_string(m.last_index - m.state_index) + " after it stay as well, agreed or not");
  say("  lost       whatever the others agreed to after entry " + std::to_string(m.last_index) +
    (m.last_commit_ms ? ", the last of which here was made at " + format_iso8601(*m.last_commit_ms) : "") + ":");
  say("             objects put after it are gone, deleted ones may be back without their content. How many those are "
      "can");
  say("             not be seen from here: none, if this member was in touch when the others were lost");
}

bool confirmed(const recover_options& o, std::uint64_t last) {
  if (o.yes_lose_after) return *o.yes_lose_after == last;
  if (::isatty(STDIN_FILENO) == 0) return false;
  std::printf("\nNever start the lost members again from their old disks, should they turn up.\n"
              "Type the number of the last entry that is kept to go on: ");
  std::fflush(stdout);
  std::string typed;
  std::getline(std::cin, typed);
  return typed == std::to_string(last);
}

} // namespace

int run_recover_metadata(const recover_options& o) {
  auto choice = choose_cluster(o.cluster, process_environment());
  auto config = load_cluster_config(choice.path, choice.overrides);
  if (!config) return complain(config.error(), 2);
  if (!config->self)
    return complain(fail(ec::bad_argument,
                      "which node of " + choice.path + " is the member of? Say it with --node ID, or TROUPE_NODE"),
      2);
  auto recovery = metadata_recovery::examine(*config, *config->self);
  if (!recovery) return complain(recovery.error());
  auto& r = *recovery;
  show(r, config->self->name);
  if (auto why = r.objection(); !why.empty()) return complain(fail(ec::conflict, "nothing was changed: " + why));
  auto last = r.remains().last_index;
  if (!confirmed(o, last))
    return complain(fail(ec::precondition_failed,
      "nothing was changed; to lose what came after entry " + std::to_string(last) + " say --yes-lose-after " +
        std::to_string(last)));
  auto generation = r.found();
  if (!generation) return complain(generation.error());
  say("\n" + config->self->name + " is the metadata group of generation " + to_string(*generation) + ", alone.");
  say("Start it, wait until it is ready. Then, one after the other: remove what is left of DATA/metadata of a lost "
      "member, start");
  say("its node, `troupe admin members add NODE`, wait until `troupe admin raft` shows that it votes.");
  return 0;
}

void add_recover(CLI::App& app, command& chosen) {
  auto* const recover = app.add_subcommand("recover", "Repair what a cluster can not repair by itself");
  recover->require_subcommand(0, 1);
  auto* const metadata = recover->add_subcommand("metadata", "Make a new metadata group of one member that is left");
  const auto options = std::make_shared<recover_options>();
  add_cluster_options(*metadata, options->cluster);
  metadata->add_option("--yes-lose-after", options->yes_lose_after, "Do it, keeping everything up to this entry")
    ->type_name("N");
  metadata->footer(recover_examples);
  metadata->callback([options, &chosen] { chosen = [options] { return run_recover_metadata(*options); }; });
}

} // namespace troupe::cli
