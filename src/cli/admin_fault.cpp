// `troupe admin fault`: has nodes pretend that messages get lost or come late or that their disk fails, and ends them. For
// rehearsals.
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
  std::string what, on = "all", volume = "both"; // of a disk
};

result<> print_faults(session& s, const result<json::object>& answer) {
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  bool none = true;
  auto print_all = [&](const json::array& faults, const std::string& before) {
    for (const auto& line : faults)
      if (line.is_string()) {
        print_line(before + shown(std::string{line.as_string()}));
        none = false;
      }
  };
  if (!answer->contains("nodes")) print_all(array_of(*answer, "faults"), {});
  for (const auto& v : array_of(*answer, "nodes")) {
    if (!v.is_object()) continue;
    const auto& node = v.get_object();
    auto name = shown(text_of(node, "id")) + ": ";
    print_all(array_of(node, "faults"), name);
    if (auto error = text_of(node, "error"); !error.empty()) {
      print_line(name + "did not answer: " + shown(error));
      none = false;
    }
  }
  if (none) print_line("no faults");
  return {};
}

void add_disk_fault(CLI::App& fault, command& chosen) {
  const auto flags = std::make_shared<fault_flags>();
  auto* const disk =
    add_admin_command(fault, "disk", "A node's disk fails, is full, is slow or returns wrong bits", *flags);
  disk->add_option("NODE", flags->node, "Its id")->required();
  disk
    ->add_option("KIND", flags->what,
      "eio: operations fail; enospc: it is full; slow: they take --ms longer; flip: reads "
      "return one wrong bit")
    ->required()
    ->check(CLI::IsMember({"eio", "enospc", "slow", "flip"}));
  disk->add_option("--ms", flags->ms, "Of slow, in milliseconds")->capture_default_str()->check(CLI::Range(1, 60'000));
  disk->add_option("--on", flags->on, "Which operations")
    ->capture_default_str()
    ->check(CLI::IsMember({"all", "reads", "writes", "syncs"}));
  disk->add_option("--volume", flags->volume, "The pieces' logs, the Raft log, or both")
    ->capture_default_str()
    ->check(CLI::IsMember({"both", "storage", "metadata"}));
  disk->footer(
    "Nothing on the disk is damaged. A log whose write or sync failed takes no writes until its process starts "
    "again: clear the fault, then restart the node.\n\nExamples:\n  troupe admin fault disk node-2 slow --ms 200\n"
    "  troupe admin fault disk node-2 eio --on reads --volume storage");
  disk->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "fault disk " + flags->node, [&](session& s) {
        return print_faults(s,
          admin_post(s, "faults",
            {{"kind", "disk"}, {"node", flags->node}, {"what", flags->what}, {"ms", std::to_string(flags->ms)},
              {"on", flags->on}, {"volume", flags->volume}}));
      });
    };
  });
}

result<> crash(session& s, const std::string& node) {
  auto answer = admin_post(s, "faults", {{"kind", "crash"}, {"node", node}});
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    print_line(shown(node) + " ends now, as by kill -9");
  return {};
}

void add_crash(CLI::App& fault, command& chosen) {
  const auto flags = std::make_shared<admin_flags>();
  auto* const added = add_admin_command(fault, "crash", "A node's process ends at once, as by kill -9", *flags);
  added->add_option("NODE", flags->node, "Its id")->required();
  added->footer("Whoever supervises it starts it again.\n\nExamples:\n  troupe admin fault crash node-2");
  added->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "fault crash " + flags->node, [&](session& s) { return crash(s, flags->node); });
    };
  });
}

} // namespace

void add_fault_commands(CLI::App& admin, command& chosen) {
  auto* const fault =
    admin.add_subcommand("fault", "Rehearse failures: messages, disks, crashes; needs `faults: enabled`");
  fault->require_subcommand(1);
  fault->footer(
    "drop and delay are of the node that is asked (--connect). A partition: drop, on every node of one side, all "
    "of the other.\n\nExamples:\n  troupe admin fault drop node-2\n  troupe admin fault delay '*' --ms 200 "
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
  add_disk_fault(*fault, chosen);
  add_crash(*fault, chosen);
  const auto plain = std::make_shared<admin_flags>();
  const auto cleared = std::make_shared<admin_flags>();
  auto* const clear = add_admin_command(*fault, "clear", "No faults any more", *cleared);
  clear->add_option("NODE", cleared->node, "Of this one alone; else of all that can be reached");
  clear->callback([cleared, &chosen] {
    chosen = [cleared] {
      return run_admin(*cleared, "fault clear", [&](session& s) {
        name_values query;
        if (!cleared->node.empty()) query.emplace_back("node", cleared->node);
        return print_faults(s, admin_post(s, "faults/clear", std::move(query)));
      });
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
