// `troupe admin user`, `key`, `role` and `policy`: who may come in, and what they may do (docs/SECURITY.md).
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"
#include "cli/table.hpp"
#include "codec/uri.hpp"
#include "store/text_file.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <CLI/CLI.hpp>

#include <cstdio>

namespace troupe::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t policy_bytes_max = std::size_t{16} << 10; // as the server takes

struct identity_flags : admin_flags {
  std::string name, role, kind = "sigv4", file;
  std::vector<std::string> roles;
};

using work = std::function<result<>(session&, const identity_flags&)>;

// What ends in a path of the console.
result<> check_name(const std::string& name) {
  if (name.empty() || name.find_first_of("/?#% \t\r\n") != std::string::npos)
    return fail(ec::bad_argument, "'" + name + "' is not a name");
  return {};
}

// "reader, writer"
std::string words_of(const json::array& words) {
  std::string out;
  for (const auto& w : words)
    if (w.is_string()) out += (out.empty() ? "" : ", ") + std::string{w.get_string()};
  return out;
}

result<> print(session& s, const result<json::object>& answer, const std::function<void(const json::object&)>& say) {
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    say(*answer);
  return {};
}

void say_user(const json::object& u) {
  const auto roles = words_of(array_of(u, "roles"));
  print_line("user " + shown(text_of(u, "name")) + ": " + (roles.empty() ? "no roles" : roles) +
    (is_true(u, "disabled") ? ", disabled" : ""));
}

void print_table(const table& t) {
  for (const auto& line : t.lines()) print_line(line);
}

// ---- user

result<> add_user(session& s, const identity_flags& f) {
  json::object body{{"name", f.name}};
  if (!f.roles.empty()) body["roles"] = json::array(f.roles.begin(), f.roles.end());
  return print(s, admin_post(s, "users", {}, json::serialize(body)), say_user);
}

result<> remove_user(session& s, const identity_flags& f) {
  return print(s, admin_post(s, "users/" + f.name + "/remove"),
    [&](const json::object&) { print_line("user " + shown(f.name) + " is gone, and so are their keys"); });
}

result<> disable_user(session& s, const identity_flags& f) {
  return print(s, admin_post(s, "users/" + f.name + "/disable"), say_user);
}

result<> enable_user(session& s, const identity_flags& f) {
  return print(s, admin_post(s, "users/" + f.name + "/enable"), say_user);
}

result<> list_users(session& s, const identity_flags&) {
  return print(s, admin_get(s, "users"), [](const json::object& all) {
    table t{{{"USER"}, {"ROLES"}, {"STATE"}, {"KEYS", true}, {"CREATED"}}};
    for (const auto& v : array_of(all, "users")) {
      if (!v.is_object()) continue;
      const auto& u = v.get_object();
      t.add({text_of(u, "name"), words_of(array_of(u, "roles")), is_true(u, "disabled") ? "disabled" : "enabled",
        text_of(u, "keys"), text_of(u, "created")});
    }
    print_table(t);
  });
}

// ---- key

result<> create_key(session& s, const identity_flags& f) {
  const auto body = json::serialize(json::object{{"user", f.name}, {"kind", f.kind}});
  return print(s, admin_post(s, "keys", {}, body), [](const json::object& k) {
    if (const auto api = text_of(k, "api_key"); !api.empty()) {
      print_line("api key     " + api);
    } else {
      print_line("access key  " + text_of(k, "id"));
      print_line("secret key  " + text_of(k, "secret_key"));
    }
    print_line("It is shown this once. `troupe admin key revoke " + text_of(k, "id") + "` takes it back.");
  });
}

result<> revoke_key(session& s, const identity_flags& f) {
  return print(s, admin_post(s, "keys/" + f.name + "/revoke"),
    [&](const json::object&) { print_line("key " + shown(f.name) + " is revoked"); });
}

result<> list_keys(session& s, const identity_flags& f) {
  name_values query;
  if (!f.name.empty()) query.emplace_back("user", f.name);
  return print(s, admin_get(s, "keys", std::move(query)), [](const json::object& all) {
    table t{{{"KEY"}, {"USER"}, {"KIND"}, {"STATE"}, {"CREATED"}}};
    for (const auto& v : array_of(all, "keys")) {
      if (!v.is_object()) continue;
      const auto& k = v.get_object();
      t.add({text_of(k, "id"), text_of(k, "user"), text_of(k, "kind"), is_true(k, "usable") ? "usable" : "refused",
        text_of(k, "created")});
    }
    print_table(t);
  });
}

// ---- role

result<> change_role(session& s, const identity_flags& f, const char* how) {
  const auto body = json::serialize(json::object{{how, json::array{f.role}}});
  return print(s, admin_post(s, "users/" + f.name + "/roles", {}, body), say_user);
}

// ---- policy

result<std::string> read_document(const std::string& file) {
  if (file != "-") return read_text_file(file, policy_bytes_max);
  std::string text(policy_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (text.size() > policy_bytes_max) return fail(ec::too_large, "standard input: a policy has at most 16 KiB");
  return text;
}

result<> set_policy(session& s, const identity_flags& f) {
  auto document = read_document(f.file);
  if (!document) return document.error();
  return print(s, admin_post(s, "policies/" + f.name, {}, *document),
    [&](const json::object&) { print_line("the policy of " + shown(f.name) + " is set"); });
}

result<> get_policy(session& s, const identity_flags& f) {
  return print(
    s, admin_get(s, "policies/" + f.name), [](const json::object& p) { print_json(object_of(p, "policy")); });
}

result<> remove_policy(session& s, const identity_flags& f) {
  return print(s, admin_post(s, "policies/" + f.name + "/remove"),
    [&](const json::object&) { print_line("the policy of " + shown(f.name) + " is gone"); });
}

result<> list_policies(session& s, const identity_flags&) {
  return print(s, admin_get(s, "policies"), [](const json::object& all) {
    table t{{{"BUCKET"}, {"CHANGED"}}};
    for (const auto& v : array_of(all, "policies"))
      if (v.is_object()) t.add({text_of(v.get_object(), "bucket"), text_of(v.get_object(), "changed")});
    print_table(t);
  });
}

// ---- the commands

struct adder {
  CLI::App& group;
  std::string group_name;
  command& chosen;

  // `argument` names the positional one; empty: none.
  CLI::App* operator()(const char* name, const char* description, const std::shared_ptr<identity_flags>& flags,
    const char* argument, work what, bool required = true) const {
    auto* const added = add_admin_command(group, name, description, *flags);
    if (*argument != '\0') added->add_option(argument, flags->name, "Its name")->required(required);
    const bool needs_name = *argument != '\0' && required;
    added->callback([flags, title = group_name + " " + name, what, needs_name, &chosen = chosen] {
      chosen = [flags, title, what, needs_name] {
        return run_admin(*flags, title, [&](session& s) -> result<> {
          if (needs_name) TROUPE_TRY(check_name(flags->name));
          return what(s, *flags);
        });
      };
    });
    return added;
  }
};

CLI::App& add_group(CLI::App& admin, const char* name, const char* description, const char* footer) {
  auto* const group = admin.add_subcommand(name, description);
  group->require_subcommand(1);
  group->footer(footer);
  return *group;
}

std::shared_ptr<identity_flags> flags() { return std::make_shared<identity_flags>(); }

void add_user_commands(CLI::App& admin, command& chosen) {
  const adder add{add_group(admin, "user", "Who may come in: add, rm, list, disable, enable",
                    "Examples:\n  troupe admin user add alice --role reader\n  troupe admin user disable alice"),
    "user", chosen};
  const auto f = flags();
  add("add", "Add a user; keys are made with `troupe admin key create`", f, "USER", add_user)
    ->add_option("--role", f->roles, "reader, writer or admin; may be repeated; else none, and policies decide alone")
    ->check(CLI::IsMember({"reader", "writer", "admin"}))
    ->allow_extra_args(false)
    ->type_name("ROLE");
  add("rm", "Remove a user and their keys", flags(), "USER", remove_user);
  add("list", "List users", flags(), "", list_users);
  add("disable", "Refuse a user's keys until they are enabled again", flags(), "USER", disable_user);
  add("enable", "Let a disabled user's keys count again", flags(), "USER", enable_user);
}

void add_key_commands(CLI::App& admin, command& chosen) {
  const adder add{add_group(admin, "key", "What users sign with: create, revoke, list",
                    "Examples:\n  troupe admin key create alice\n  troupe admin key create robot --kind api\n  troupe "
                    "admin key revoke TKEXAMPLE"),
    "key", chosen};
  const auto f = flags();
  add("create", "Make a key for a user; its secret is printed once", f, "USER", create_key)
    ->add_option("--kind", f->kind, "sigv4: for S3 clients; api: for X-API-Key")
    ->capture_default_str()
    ->check(CLI::IsMember({"sigv4", "api"}))
    ->type_name("KIND");
  add("revoke", "Take a key back", flags(), "KEY", revoke_key);
  add("list", "List keys, of one user or of all", flags(), "USER", list_keys, false);
}

void add_role_commands(CLI::App& admin, command& chosen) {
  const adder add{add_group(admin, "role", "What users may do everywhere: grant, revoke",
                    "reader: read and list. writer: and write and delete. admin: everything, here too.\n\nExamples:\n  "
                    "troupe admin role grant alice writer"),
    "role", chosen};
  for (const auto* how : {"grant", "revoke"}) {
    const auto f = flags();
    add(how, *how == 'g' ? "Give a user a role" : "Take a role from a user", f, "USER",
      [how](session& s, const identity_flags& given) { return change_role(s, given, how); })
      ->add_option("ROLE", f->role, "reader, writer or admin")
      ->required()
      ->check(CLI::IsMember({"reader", "writer", "admin"}));
  }
}

void add_policy_commands(CLI::App& admin, command& chosen) {
  const adder add{add_group(admin, "policy", "What a bucket lets whom do: set, get, rm, list",
                    "BUCKET is a bucket, or a prefix of names and '*'. docs/SECURITY.md has the form of the "
                    "document.\n\nExamples:\n  troupe admin policy set photos policy.json\n  troupe admin policy get "
                    "photos"),
    "policy", chosen};
  const auto f = flags();
  add("set", "Set a bucket's policy, in place of the one before", f, "BUCKET", set_policy)
    ->add_option("FILE", f->file, "A JSON document; '-' for standard input")
    ->required();
  add("get", "Print a bucket's policy", flags(), "BUCKET", get_policy);
  add("rm", "Remove a bucket's policy", flags(), "BUCKET", remove_policy);
  add("list", "List which buckets have policies", flags(), "", list_policies);
}

} // namespace

void add_identity_commands(CLI::App& admin, command& chosen) {
  add_user_commands(admin, chosen);
  add_key_commands(admin, chosen);
  add_role_commands(admin, chosen);
  add_policy_commands(admin, chosen);
}

} // namespace troupe::cli
