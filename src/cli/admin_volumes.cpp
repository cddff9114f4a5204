// `troupe admin volumes` and `volume snapshot`, `snapshots`, `remove-snapshot`, `restore`, `grow`: the volumes of shards.
#include "cli/admin.hpp"
#include "cli/admin_text.hpp"
#include "cli/json_fields.hpp"
#include "cli/table.hpp"

#include <boost/json/array.hpp>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

struct volume_flags : admin_flags {
  std::string volume, name;
};

struct growth_flags : admin_flags {
  std::string volume;
  std::uint32_t size_gib = 0, iops = 0;
};

result<> print_volumes(session& s) {
  auto answer = admin_get(s, "volumes");
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  table t{{{"VOLUME"}, {"PROVIDER"}, {"PRIMARY"}, {"BACKUPS"}, {"TOKEN", true}, {"SIZE", true}, {"FREE", true},
    {"ACTIVE", true}, {"READ-ONLY", true}, {"DELETED", true}}};
  for (const auto& v : array_of(*answer, "volumes")) {
    const auto& o = as_object(v);
    const auto& shards = object_of(o, "shards");
    auto primary = shown(text_of(o, "primary"));
    t.add({shown(text_of(o, "id")), shown(text_of(o, "provider")), primary.empty() ? "NOBODY" : primary,
      joined(array_of(o, "backups")), text_of(o, "token"), bytes_of(o, "size_bytes"), bytes_of(o, "free_bytes"),
      count_of(shards, "active"), count_of(shards, "read_only"), count_of(shards, "deleted")});
  }
  if (array_of(*answer, "volumes").empty())
    print_line("no volumes");
  else
    for (const auto& line : t.lines()) print_line(line);
  for (const auto& v : array_of(*answer, "silent"))
    print_line(
      shown(text_of(as_object(v), "node")) + " did not say what it has: " + shown(text_of(as_object(v), "error")));
  return check_stdout();
}

std::vector<std::string> cells_of(const json::object& o) {
  return {shown(text_of(o, "name")), text_of(o, "made_at"), shown(text_of(o, "state")), shown(text_of(o, "id")),
    count_of(o, "shards"), bytes_of(o, "bytes")};
}

void print_table(const json::array& snapshots) {
  table t{{{"SNAPSHOT"}, {"MADE AT"}, {"STATE"}, {"ID"}, {"SHARDS", true}, {"SIZE", true}}};
  for (const auto& v : snapshots) t.add(cells_of(as_object(v)));
  for (const auto& line : t.lines()) print_line(line);
}

result<> print_snapshots(session& s, const std::string& volume) {
  auto answer = admin_get(s, "volumes/" + volume + "/snapshots");
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  const auto& all = array_of(*answer, "snapshots");
  if (all.empty())
    print_line("no snapshots");
  else
    print_table(all);
  return check_stdout();
}

result<> make_snapshot(session& s, const volume_flags& flags) {
  name_values query;
  if (!flags.name.empty()) query.emplace_back("name", flags.name);
  auto answer = admin_post(s, "volumes/" + flags.volume + "/snapshots", std::move(query));
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    print_table({object_of(*answer, "snapshot")});
  return check_stdout();
}

result<> change_snapshot(session& s, const volume_flags& flags, const char* how, const char* done) {
  auto answer = admin_post(s, "volumes/" + flags.volume + "/snapshots/" + flags.name + "/" + how);
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    print_line(flags.volume + ": " + flags.name + " " + done);
  return check_stdout();
}

result<> grow_volume(session& s, const growth_flags& flags) {
  name_values query{{"size_gib", std::to_string(flags.size_gib)}};
  if (flags.iops != 0) query.emplace_back("iops", std::to_string(flags.iops));
  auto answer = admin_post(s, "volumes/" + flags.volume + "/grow", std::move(query));
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    print_line(flags.volume + ": " + text_of(*answer, "size_gib") + " GiB (" + shown(text_of(*answer, "state")) + ")");
  return check_stdout();
}

using job = result<> (*)(session&, const volume_flags&);

void add_one(CLI::App& group, command& chosen, const char* name, const char* description, const char* footer,
  bool named, bool must_be_named, job task) {
  const auto flags = std::make_shared<volume_flags>();
  auto* const added = add_admin_command(group, name, description, *flags);
  added->add_option("NAME", flags->volume, "The volume")->required();
  if (named) {
    auto* const option = added->add_option("SNAPSHOT", flags->name, "1 to 63 of a-z 0-9 . _ -");
    if (must_be_named) option->required();
  }
  added->footer(footer);
  added->callback([flags, name, task, &chosen] {
    chosen = [flags, name, task] {
      return run_admin(
        *flags, std::string{"volume "} + name + " " + flags->volume, [&](session& s) { return task(s, *flags); });
    };
  });
}

void add_grow(CLI::App& group, command& chosen) {
  const auto flags = std::make_shared<growth_flags>();
  auto* const added = add_admin_command(group, "grow", "A larger volume, while it is served", *flags);
  added->add_option("NAME", flags->volume, "The volume")->required();
  added->add_option("--size-gib", flags->size_gib, "What it is to have then, in GiB; what it has, to change IOPS alone")
    ->required()
    ->check(CLI::Range(1, 1 << 20))
    ->type_name("N");
  added->add_option("--iops", flags->iops, "What it is to have then; else as they are")
    ->check(CLI::Range(1, 1 << 30))
    ->type_name("N");
  added->footer("Of aws-ebs alone: EC2 modifies the volume, then its file system is grown (with ebs.filesystem; else "
                "that is yours).\n"
                "Optimizing: the size is there, the speed may come later. After an answer of timeout, and when the "
                "primary changed\n"
                "meanwhile: the same command again. EC2 allows few changes of a volume a day.\n\n"
                "Examples:\n  troupe admin volume grow volume-1 --size-gib 500\n"
                "  troupe admin volume grow volume-1 --size-gib 500 --iops 6000");
  added->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(*flags, "volume grow " + flags->volume, [&](session& s) { return grow_volume(s, *flags); });
    };
  });
}

} // namespace

void add_volume_commands(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<admin_flags>();
  auto* const list =
    add_admin_command(admin, "volumes", "The volumes of shards: who writes to them, what is in them", *flags);
  list->footer("Shards by state are as the primary counted them last; DELETED: their data is still there.\n\n"
               "Examples:\n  troupe admin volumes\n  troupe admin volumes --json");
  list->callback([flags, &chosen] { chosen = [flags] { return run_admin(*flags, "volumes", print_volumes); }; });

  auto* const group =
    admin.add_subcommand("volume", "One volume of shards: snapshot, snapshots, remove-snapshot, restore, grow");
  group->require_subcommand(1);
  group->footer("The volume's primary carries them out, whichever node is asked. Regular snapshots are made by the "
                "configuration's\n"
                "shards.snapshot_interval.");
  add_one(*group, chosen, "snapshot", "Keep what its shards are now",
    "Without a name it gets one that is made of the time. It lies on the volume: copy it elsewhere against the loss of "
    "the "
    "disk. Of aws-ebs it is a snapshot of EC2.\n\n"
    "Examples:\n  troupe admin volume snapshot volume-1 before-upgrade",
    true, false, make_snapshot);
  add_one(*group, chosen, "snapshots", "Those that there are, oldest first",
    "Examples:\n  troupe admin volume snapshots volume-1 --json", false, false,
    [](session& s, const volume_flags& f) { return print_snapshots(s, f.volume); });
  add_one(*group, chosen, "remove-snapshot", "Remove one",
    "Examples:\n  troupe admin volume remove-snapshot volume-1 before-upgrade", true, true,
    [](session& s, const volume_flags& f) { return change_snapshot(s, f, "remove", "was removed"); });
  add_one(*group, chosen, "restore", "Make its shards what they were then",
    "All shards of the volume go back, for every client: for a moment nothing is served. What they were is kept in the "
    "volume's "
    "folder before-restore until the next restore. Shards that were made after the snapshot answer that their data is "
    "missing. Not of aws-ebs: docs/SHARDS.md has the steps.\n\n"
    "Examples:\n  troupe admin volume restore volume-1 before-upgrade",
    true, true,
    [](session& s, const volume_flags& f) { return change_snapshot(s, f, "restore", "is what it is now"); });
  add_grow(*group, chosen);
}

} // namespace troupe::cli
