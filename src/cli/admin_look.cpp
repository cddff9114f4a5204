// `troupe admin status`, `nodes`, `raft`, `actors`, `where` and `ring`.
#include "cli/admin.hpp"
#include "cli/admin_text.hpp"
#include "cli/object_name.hpp"

#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

using as_lines = std::vector<std::string> (*)(const json::object&);

result<> print(session& s, const json::object& answer, as_lines lines) {
  if (s.json) {
    print_json(answer);
    return {};
  }
  for (const auto& line : lines(answer)) print_line(line);
  return check_stdout();
}

void add_look(
  CLI::App& admin, command& chosen, const char* name, const char* description, const char* footer, as_lines lines) {
  const auto flags = std::make_shared<admin_flags>();
  auto* const added = add_admin_command(admin, name, description, *flags);
  added->footer(footer);
  added->callback([flags, name, lines, &chosen] {
    chosen = [flags, name, lines] {
      return run_admin(*flags, name, [&](session& s) -> result<> {
        auto answer = admin_get(s, name);
        if (!answer) return answer.error();
        return print(s, *answer, lines);
      });
    };
  });
}

struct object_flags : admin_flags {
  std::string name;
  std::uint64_t from = 0;
};

result<> look_at_object(session& s, const char* path, const object_flags& flags, as_lines lines) {
  const auto name = parse_object(flags.name);
  if (!name) return name.error();
  name_values query{{"bucket", name->bucket}, {"key", name->key}};
  if (flags.from != 0) query.emplace_back("from", std::to_string(flags.from));
  auto answer = admin_get(s, path, std::move(query));
  if (!answer) return answer.error();
  return print(s, *answer, lines);
}

void add_object_look(CLI::App& admin, command& chosen, const char* name, const char* path, const char* description,
  const char* footer, as_lines lines) {
  const auto flags = std::make_shared<object_flags>();
  auto* const added = add_admin_command(admin, name, description, *flags);
  added->add_option("BUCKET/KEY", flags->name, "The object")->required();
  added->add_option("--from", flags->from, "Of an object with many parts: the first one to show")->type_name("N");
  added->footer(footer);
  added->callback([flags, name, path, lines, &chosen] {
    chosen = [flags, name, path, lines] {
      return run_admin(*flags, std::string{name} + " " + flags->name,
        [&](session& s) { return look_at_object(s, path, *flags, lines); });
    };
  });
}

} // namespace

void add_looking_commands(CLI::App& admin, command& chosen) {
  add_look(admin, chosen, "status", "The cluster in one look",
    "Examples:\n  troupe admin status\n  troupe admin status --connect storage-1:9001 --json", status_lines);
  add_look(admin, chosen, "nodes", "Each node: its state, who can reach it, what it stores",
    "A node that did not say what it stores has a NOTE instead.\n\nExamples:\n  troupe admin nodes\n  troupe admin "
    "nodes "
    "--json",
    nodes_lines);
  add_look(admin, chosen, "raft", "The members of the metadata group, and who leads it",
    "Nodes with the metadata role that their group has not taken in do not vote: see `troupe admin members`.\n\n"
    "Examples:\n  troupe admin raft",
    raft_lines);

  add_look(admin, chosen, "actors", "What runs in each process, and what waits there",
    "MAILBOX: messages that wait, all instances together; LONGEST: of one of them. Both may be some messages too high "
    "for an actor that runs just now. Queues to other processes are shown where something is in them.\n\n"
    "Examples:\n  troupe admin actors\n  troupe admin actors --json",
    actors_lines);
  add_object_look(admin, chosen, "where", "objects/where", "Which nodes hold an object's pieces, and whether they do",
    "Nodes look into their indexes; nothing is read. What a node does not say counts as lost.\n\n"
    "Examples:\n  troupe admin where photos/2026/cat.jpg\n  troupe admin where photos/2026/cat.jpg --json",
    where_lines);
  add_object_look(admin, chosen, "ring", "ring", "Where an object is on the ring, and which nodes follow clockwise",
    "The id of the content is hashed, not the key. PLACE: chosen for it today, spare (takes the place of one that is "
    "full or away), or left: holds pieces though the ring would put them elsewhere; `rebalance` moves those.\n\n"
    "Examples:\n  troupe admin ring photos/2026/cat.jpg",
    ring_lines);
}

} // namespace troupe::cli
