// `troupe admin rebalance` and `repair`: have the cluster begin at once with what it does by itself anyway.
#include "cli/admin.hpp"
#include "cli/heal_progress.hpp"
#include "cli/json_fields.hpp"
#include "cli/polling.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

namespace troupe::cli {

namespace json = boost::json;

namespace {

constexpr unsigned silence_max = 30; // in a row: who heals may change meanwhile

struct heal_flags : admin_flags {
  bool wait = false;
  std::uint32_t timeout_seconds = 3600;
};

std::string started_text(healing_work job, const heal_flags& flags, const json::object& answer) {
  auto who = shown(text_of(answer, "node"));
  if (job == healing_work::rebalance)
    return who +
      " walks all extents now: pieces of lost and draining nodes move first, then those that the ring wants "
      "elsewhere, at most healing.rate a second";
  return who + " compares now what " + (flags.node.empty() ? std::string{"every node"} : shown(flags.node)) +
    " holds with what the records say; what is missing is made anew";
}

result<> wait_until_healed(session& s, healing_work job, const std::string& name, const heal_flags& flags) {
  std::fflush(stdout); // what was started, before what follows
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::seconds{flags.timeout_seconds};
  polling screen{s};
  heal_progress progress{job};
  for (unsigned failures = 0;;) {
    auto now = admin_get(s, "healing");
    if (!now) {
      if (now.error().code == ec::closed || ++failures == silence_max) return now.error();
    } else {
      failures = 0;
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      progress.add(elapsed.count(), *now);
      if (progress.done()) {
        if (s.json)
          print_json(*now);
        else
          print_line(progress.summary());
        return {};
      }
      screen.show(name, *now, progress.line());
    }
    if (std::chrono::steady_clock::now() >= end)
      return fail(ec::timeout, "not done after " + std::to_string(flags.timeout_seconds) + " s; it goes on");
    if (!screen.wait()) return fail(ec::closed, "interrupted; it goes on");
  }
}

void add_healing(CLI::App* added, command& chosen, const std::shared_ptr<heal_flags>& flags, const std::string& name,
  healing_work job) {
  added->add_flag("--wait", flags->wait, "Until it is done; shows how far it is");
  added->add_option("--timeout", flags->timeout_seconds, "Of --wait, in seconds")
    ->capture_default_str()
    ->check(CLI::Range(1, 10'000'000))
    ->type_name("S");
  added->callback([flags, name, job, &chosen] {
    chosen = [flags, name, job] {
      return run_admin(*flags, name, [&](session& s) -> result<> {
        name_values query;
        if (!flags->node.empty()) query.emplace_back("node", flags->node);
        auto answer = admin_post(s, name, std::move(query));
        if (!answer) return answer.error();
        if (!s.json)
          print_line(started_text(job, *flags, *answer));
        else if (!flags->wait)
          print_json(*answer);
        return flags->wait ? wait_until_healed(s, job, name, *flags) : result<>{};
      });
    };
  });
}

} // namespace

void add_healing_commands(CLI::App& admin, command& chosen) {
  const auto rebalance = std::make_shared<heal_flags>();
  auto* const move = add_admin_command(admin, "rebalance", "Move pieces now to where the ring wants them", *rebalance);
  move->footer(
    "This happens by itself, too: here without waiting for the next walk, or for healing.delay of nodes that "
    "are down.\n\nExamples:\n  troupe admin rebalance\n  troupe admin rebalance --wait");
  add_healing(move, chosen, rebalance, "rebalance", healing_work::rebalance);
  const auto repair = std::make_shared<heal_flags>();
  auto* const compare = add_admin_command(admin, "repair", "Compare nodes with the records now, and mend", *repair);
  compare->add_option("NODE", repair->node, "Only what this one should hold; else of all nodes");
  compare->footer("This happens by itself every healing.compare_interval: here at once. Nodes look into their indexes; "
                  "nothing is read.\n\nExamples:\n  troupe admin repair\n  troupe admin repair node-3 --wait");
  add_healing(compare, chosen, repair, "repair", healing_work::repair);
}

} // namespace troupe::cli
