// `troupe admin fault`: has one node pretend that messages get lost or come late. For rehearsals.
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"

#include <boost/json/array.hpp>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

struct fault_flags : admin_flags {
  std::string direction = "both";
  std::uint32_t ms = 100;
};

result<> print_faults(session& s, const result<json::object>& answer) {
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  const auto* list = answer->if_contains("faults");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) {
    print_line("no faults");
    return {};
  }
  for (const auto& line : list->as_array())
    if (line.is_string()) print_line(shown(std::string{line.as_string()}));
  return {};
}

} // namespace

void add_fault_commands(CLI::App& admin, command& chosen) {
  auto* const fault =
    admin.add_subcommand("fault", "Have the asked node lose or delay messages; needs `faults: enabled`");
  fault->require_subcommand(1);
  fault->footer("Of the node that is asked (--connect) alone. A partition: drop, on every node of one side, all of the "
                "other.\n\nExamples:\n  troupe admin fault drop node-2\n  troupe admin fault delay '*' --ms 200 "
                "--direction from\n  troupe admin fault clear");
  const auto flags = std::make_shared<fault_flags>();
  const auto set = [&](const std::string& kind, const char* description) {
    auto* const added = add_admin_command(*fault, kind, description, *flags);
    added->add_option("NODE", flags->node, "The other node's id; * for all")->required();
    added->add_option("--direction", flags->direction, "to it, from it, or both")
      ->capture_default_str()
      ->check(CLI::IsMember({"to", "from", "both"}));
    if (kind == "delay")
      added->add_option("--ms", flags->ms, "How late, in milliseconds")
        ->capture_default_str()
        ->check(CLI::Range(0, 60'000));
    added->callback([flags, kind, &chosen] {
      chosen = [flags, kind] {
        return run_admin(*flags, "fault " + kind + " " + flags->node, [&](session& s) {
          return print_faults(s,
            admin_post(s, "faults",
              {{"kind", kind}, {"node", flags->node}, {"direction", flags->direction},
                {"ms", std::to_string(flags->ms)}}));
        });
      };
    });
  };
  set("drop", "Messages to or from a node get lost");
  set("delay", "Messages to or from a node come late");
  const auto plain = std::make_shared<admin_flags>();
  auto* const clear = add_admin_command(*fault, "clear", "No faults any more", *plain);
  clear->callback([plain, &chosen] {
    chosen = [plain] {
      return run_admin(
        *plain, "fault clear", [](session& s) { return print_faults(s, admin_post(s, "faults/clear")); });
    };
  });
  auto* const list = add_admin_command(*fault, "list", "What is pretended now", *plain);
  list->callback([plain, &chosen] {
    chosen = [plain] {
      return run_admin(*plain, "fault list", [](session& s) { return print_faults(s, admin_get(s, "faults")); });
    };
  });
}

} // namespace troupe::cli
