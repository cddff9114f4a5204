// `troupe admin drain`, `undrain`, `remove`, `weight`, `join` and `members`.
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"
#include "codec/uri.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

struct change_flags : admin_flags {
  bool force = false;
  bool wait = false;
  std::uint32_t weight = 1;
  std::string address, zone;
  std::vector<std::string> roles;
};

// "node-3 is draining, weight 1 (epoch 8)": as the committed map has it.
result<> print_change(session& s, const result<json::object>& answer) {
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  const auto& node = object_of(*answer, "node");
  print_line(shown(text_of(node, "id")) + " is " + shown(text_of(node, "state")) + ", weight " +
    text_of(node, "weight") + " (epoch " + text_of(*answer, "epoch") + ")");
  return {};
}

std::string node_path(const change_flags& flags, const char* what) { return "nodes/" + flags.node + "/" + what; }

result<> check_node(const change_flags& flags) {
  if (flags.node.empty() || flags.node.find_first_of("/?#% ") != std::string::npos)
    return fail(ec::bad_argument, "'" + flags.node + "' is not the name of a node");
  return {};
}

using work = result<> (*)(session&, const change_flags&);

result<> drain(session& s, const change_flags& flags) {
  TROUPE_TRY(print_change(s, admin_post(s, node_path(flags, "drain"))));
  return flags.wait ? wait_until_drained(s, flags.node) : result<>{};
}

result<> undrain(session& s, const change_flags& flags) {
  return print_change(s, admin_post(s, node_path(flags, "undrain")));
}

result<> remove(session& s, const change_flags& flags) {
  return print_change(s, admin_post(s, node_path(flags, "remove"), {{"force", flags.force ? "true" : "false"}}));
}

result<> set_weight(session& s, const change_flags& flags) {
  return print_change(s, admin_post(s, node_path(flags, "weight"), {{"value", std::to_string(flags.weight)}}));
}

result<> join(session& s, const change_flags& flags) {
  json::object body{{"id", flags.node}, {"address", flags.address}, {"zone", flags.zone}, {"weight", flags.weight}};
  if (!flags.roles.empty()) body["roles"] = json::array(flags.roles.begin(), flags.roles.end());
  return print_change(s, admin_post(s, "join", {}, json::serialize(body)));
}

// A node's name as an argument, and the work under this name.
CLI::App* add_change(CLI::App& to, command& chosen, const std::shared_ptr<change_flags>& flags, const char* name,
  const char* description, work what) {
  auto* const added = add_admin_command(to, name, description, *flags);
  added->add_option("NODE", flags->node, "Its id")->required();
  added->callback([flags, name, what, &chosen] {
    chosen = [flags, name, what] {
      return run_admin(*flags, std::string{name} + " " + flags->node, [&](session& s) -> result<> {
        TROUPE_TRY(check_node(*flags));
        return what(s, *flags);
      });
    };
  });
  return added;
}

void add_node_changes(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<change_flags>();
  auto* const out =
    add_change(admin, chosen, flags, "drain", "Take a node out: no new data, what it holds moves away", drain);
  out->add_flag("--wait", flags->wait, "Until it holds nothing and has left; shows what it still holds");
  out->footer("Its metadata member, if it is one, leaves by `troupe admin members remove`. `undrain` takes it back.\n\n"
              "Examples:\n  troupe admin drain node-3\n  troupe admin drain node-3 --wait");
  add_change(admin, chosen, flags, "undrain", "Let a draining node take data again", undrain)
    ->footer("Examples:\n  troupe admin undrain node-3");
  auto* const away = add_change(admin, chosen, flags, "remove", "Take a node off the map, for good", remove);
  away->add_flag(
    "--force", flags->force, "Though it may hold data, which is lost with it and made anew from the others");
  away->footer("Its name is never used again. Without --force only a node that holds no data is removed.\n\n"
               "Examples:\n  troupe admin remove node-3\n  troupe admin remove node-3 --force");
  auto* const weight = add_change(admin, chosen, flags, "weight", "How much of the data a node takes", set_weight);
  weight->add_option("N", flags->weight, "0 to 100; twice the weight, twice the data. 0: no new data")
    ->required()
    ->check(CLI::Range(0, 100));
  weight->footer("Until the node announces another weight: its configuration has the last word.\n\n"
                 "Examples:\n  troupe admin weight node-3 2");
}

void add_join(CLI::App& admin, command& chosen) {
  const auto flags = std::make_shared<change_flags>();
  auto* const added =
    add_change(admin, chosen, flags, "join", "Put a node on the map that has not announced itself yet", join);
  added->add_option("ADDRESS", flags->address, "Where others reach it: HOST:PORT of its actor port")->required();
  added->add_option("--zone", flags->zone, "What fails together with it; else a zone of its own")->type_name("NAME");
  added->add_option("--weight", flags->weight, "How much of the data it takes")
    ->capture_default_str()
    ->check(CLI::Range(0, 100))
    ->type_name("N");
  added->add_option("--role", flags->roles, "storage, metadata or coordinator; may be repeated; else all three")
    ->check(CLI::IsMember({"storage", "metadata", "coordinator"}))
    ->allow_extra_args(false)
    ->type_name("ROLE");
  added->footer("A node that starts with the cluster's configuration joins by itself: this is seldom needed.\n\n"
                "Examples:\n  troupe admin join node-6 10.0.0.6:9101 --zone rack-2");
}

result<> change_members(session& s, const std::string& kind, const std::string& node) {
  auto answer = admin_post(s, "metadata/members", {}, json::serialize(json::object{{"kind", kind}, {"node", node}}));
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else if (kind == "transfer")
    print_line("the metadata group is led by " + (node.empty() ? std::string{"another member"} : shown(node)));
  else
    print_line(shown(node) + (kind == "add" ? " is a metadata member" : " is no metadata member any more"));
  return {};
}

void add_members(CLI::App& admin, command& chosen) {
  auto* const members = admin.add_subcommand("members", "The members of the metadata group: add, remove, transfer");
  members->require_subcommand(1);
  members->footer("Three members survive the loss of one, five that of two.\n\nExamples:\n  troupe admin members add "
                  "node-4\n  troupe admin members remove node-2\n  troupe admin members transfer node-1");
  struct kind {
    const char* name;
    const char* description;
    bool needs_node;
  };
  for (auto [name, description, needs_node] :
    {kind{"add", "Take a node in; done once it has caught up and votes", true},
      kind{"remove", "Take a member out", true}, kind{"transfer", "Hand the leadership over", false}}) {
    const auto flags = std::make_shared<change_flags>();
    auto* const added = add_admin_command(*members, name, description, *flags);
    added->add_option("NODE", flags->node, needs_node ? "Its id" : "To whom; else whoever is best")
      ->required(needs_node);
    added->footer(std::string{"Examples:\n  troupe admin members "} + name + " node-4");
    added->callback([flags, name = std::string{name}, &chosen] {
      chosen = [flags, name] {
        return run_admin(*flags, "members " + name + (flags->node.empty() ? "" : " " + flags->node),
          [&](session& s) { return change_members(s, name, flags->node); });
      };
    });
  }
}

} // namespace

void add_changing_commands(CLI::App& admin, command& chosen) {
  add_node_changes(admin, chosen);
  add_join(admin, chosen);
  add_members(admin, chosen);
}

} // namespace troupe::cli
