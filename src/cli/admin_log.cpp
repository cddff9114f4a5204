// `troupe admin log`: how much the process that answers writes into its log.
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace {
struct log_flags : admin_flags {
  std::string level;
};
} // namespace

void add_log_command(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<log_flags>();
  auto* const added = add_admin_command(admin, "log", "Show or set how much a node writes into its log", *flags);
  added->add_option("LEVEL", flags->level, "debug, info, warn, error or off; without it, what it is now")
    ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
  added->footer(
    "It is the node that --connect names, until it ends: --log-level is what it starts with.\n\nExamples:\n  "
    "troupe admin log\n  troupe admin log debug --connect storage-1:9001");
  added->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "log", [&](session& s) -> result<> {
        auto answer = flags->level.empty() ? admin_get(s, "log") : admin_post(s, "log", {{"level", flags->level}});
        if (!answer) return answer.error();
        if (s.json)
          print_json(*answer);
        else
          print_line("the log's level is " + shown(text_of(*answer, "level")));
        return {};
      });
    };
  });
}

} // namespace troupe::cli
