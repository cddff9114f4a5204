// `troupe admin directory status` and `resize`.
#include "cli/admin.hpp"
#include "cli/json_fields.hpp"
#include "cli/polling.hpp"

#include <boost/json/array.hpp>
#include <CLI/CLI.hpp>

namespace troupe::cli {

namespace json = boost::json;

namespace {

struct directory_flags : admin_flags {
  std::uint32_t buckets = 0;
  bool wait = false;
};

void print_state(const json::object& said) {
  print_line("disk buckets  " + text_of(said, "bucket_count") + " (epoch " + text_of(said, "epoch") + ")");
  if (!is_true(said, "moving")) return;
  const auto& from = object_of(said, "previous");
  const auto left = text_of(from, "keys_len");
  print_line("moving        " + (left.empty() ? std::string{"keys"} : left + " keys left") + " of " +
    text_of(from, "bucket_count") + " buckets (epoch " + text_of(from, "epoch") + ")");
}

result<> status(session& s, const directory_flags&) {
  auto answer = admin_get(s, "directory");
  if (!answer) return answer.error();
  if (s.json) {
    print_json(*answer);
    return {};
  }
  print_state(*answer);
  print_line("keys          " + text_of(*answer, "keys_len"));
  for (const auto& b : array_of(*answer, "buckets"))
    if (b.is_object())
      print_line("  bucket " + text_of(b.get_object(), "bucket_id") + "  " + text_of(b.get_object(), "keys_len"));
  return check_stdout();
}

result<> wait_until_moved(session& s) {
  polling screen{s};
  for (;;) {
    auto answer = admin_get(s, "directory");
    if (!answer) return answer.error();
    const auto& from = object_of(*answer, "previous");
    screen.show("directory", *answer, is_true(*answer, "moving") ? text_of(from, "keys_len") + " keys left" : "moved");
    if (!is_true(*answer, "moving")) return {};
    if (!screen.wait()) return fail(ec::closed, "interrupted; keys go on moving");
  }
}

result<> resize(session& s, const directory_flags& flags) {
  auto answer = admin_post(s, "directory/resize", {{"buckets", std::to_string(flags.buckets)}});
  if (!answer) return answer.error();
  if (s.json)
    print_json(*answer);
  else
    print_state(*answer);
  return flags.wait ? wait_until_moved(s) : result<>{};
}

} // namespace

void add_directory_commands(CLI::App& admin, command& chosen) {
  auto* const group = admin.add_subcommand("directory", "The disk buckets of the directory: status, resize");
  group->require_subcommand(1);
  group->footer("Examples:\n  troupe admin directory status\n  troupe admin directory resize 4 --wait");
  const auto flags = std::make_shared<directory_flags>();
  auto* const look = add_admin_command(*group, "status", "How many disk buckets, and how many keys in each", *flags);
  look->footer("While keys move after a resize, a bucket counts those that have arrived.\n\n"
               "Examples:\n  troupe admin directory status --json");
  look->callback([flags, &chosen] {
    chosen = [flags] { return run_admin(*flags, "directory status", [&](session& s) { return status(s, *flags); }); };
  });
  auto* const change =
    add_admin_command(*group, "resize", "Another number of disk buckets, while all is served", *flags);
  change->add_option("M", flags->buckets, "1 to 4096")->required()->check(CLI::Range(1, 4096));
  change->add_flag("--wait", flags->wait, "Until every key is in its new bucket");
  change->footer(
    "Keys are moved in the background; none is missing meanwhile. Another resize waits for the end of this one.\n\n"
    "Examples:\n  troupe admin directory resize 4\n  troupe admin directory resize 2 --wait");
  change->callback([flags, &chosen] {
    chosen = [flags] {
      return run_admin(
        *flags, "directory resize " + std::to_string(flags->buckets), [&](session& s) { return resize(s, *flags); });
    };
  });
}

} // namespace troupe::cli
