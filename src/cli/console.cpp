#include "cli/console.hpp"

#include "cli/command_line.hpp"
#include "cli/commands.hpp"

#include <editline/readline.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <unistd.h>

namespace troupe::cli {
namespace {

constexpr int history_lines_max = 1000;

// The first words, for completion; `troupe admin --help` says what they do.
constexpr std::array first_words{"status", "nodes", "raft", "actors", "watch", "log", "where", "ring", "drain",
  "undrain", "remove", "weight", "join", "members", "user", "key", "role", "policy", "rebalance", "repair", "directory",
  "bucket", "volumes", "volume", "fault", "storage", "help", "exit"};

constexpr const char* help_text = R"(Commands: those of `troupe admin`, without these two words, and `storage ...`:
  status | nodes | raft               what the cluster is like
  actors                              what runs in each process, and what waits there
  watch                               what happens, until Ctrl-C
  where BUCKET/KEY | ring BUCKET/KEY  which node holds what of an object, and why
  drain NODE [--wait] | undrain NODE  take a node out, or back
  remove NODE | weight NODE N | join NODE ADDRESS
  members add|remove|transfer [NODE]  the metadata group
  user|key|role|policy ...            who may come in, and what they may do
  rebalance [--wait]                  move pieces now to where the ring wants them
  repair [NODE] [--wait]              compare nodes with the records now, and mend
  directory status | resize M         the directory's disk buckets
  bucket BUCKET [--class ...]         how a bucket's content is kept
  volumes                             the volumes of shards, and who writes to them
  volume snapshot|snapshots|remove-snapshot|restore NAME ...  their snapshots
  volume grow NAME --size-gib N       a larger one
  fault drop|delay|disk|crash|clear|list  rehearse failures, where they are enabled
  storage ls | storage put ...        objects
  COMMAND --help                      more about one
  exit                                or end of input
)";

char* next_word(const char* text, int state) {
  static std::size_t at = 0; // libedit's interface has no other place for it
  if (state == 0) at = 0;
  while (at < first_words.size()) {
    const auto* word = first_words[at++];
    if (std::strncmp(word, text, std::strlen(text)) == 0) return ::strdup(word);
  }
  return nullptr;
}

char** complete(const char* text, int start, int) {
  ::rl_attempted_completion_over = 1; // no file names
  return start == 0 ? ::rl_completion_matches(text, next_word) : nullptr;
}

std::string history_file() {
  const auto* home = std::getenv("HOME");
  return home == nullptr ? std::string{} : std::string{home} + "/.troupe_history";
}

// Nothing: the end was asked for.
std::optional<int> run_line(const std::string& line) {
  auto words = split_line(line);
  if (!words) {
    std::fprintf(stderr, "troupe: %s\n", words.error().message.c_str());
    return 2;
  }
  if (words->empty()) return 0;
  if (words->front() == "exit" || words->front() == "quit") return std::nullopt;
  if (words->front() == "help") {
    std::fputs(help_text, stdout);
    return 0;
  }
  std::vector<const char*> arguments{"troupe"};
  if (words->front() != "storage" && words->front() != "admin") arguments.push_back("admin");
  for (auto& w : *words) arguments.push_back(w.c_str());
  return run(static_cast<int>(arguments.size()), arguments.data());
}

std::optional<std::string> prompted_line() {
  std::unique_ptr<char, decltype(&std::free)> line{::readline("troupe> "), &std::free};
  if (!line) return std::nullopt;
  if (*line.get() != '\0') ::add_history(line.get());
  return std::string{line.get()};
}

// Not a terminal: lines as they come, without a prompt.
std::optional<std::string> piped_line() {
  std::string line;
  for (int c = std::getchar(); c != '\n'; c = std::getchar()) {
    if (c == EOF) return line.empty() ? std::nullopt : std::optional{line};
    line += static_cast<char>(c);
  }
  return line;
}

int run_prompt() {
  bool terminal = ::isatty(STDIN_FILENO) != 0;
  auto history = history_file();
  if (terminal) {
    ::using_history();
    ::stifle_history(history_lines_max);
    if (!history.empty()) ::read_history(history.c_str());
    ::rl_attempted_completion_function = complete;
    std::puts("`help` shows the commands, `exit` ends.");
  }
  int failed = 0;
  while (auto line = terminal ? prompted_line() : piped_line()) {
    auto code = run_line(*line);
    std::fflush(stdout);
    if (!code) break;
    if (*code != 0) failed = *code;
  }
  if (terminal && !history.empty()) ::write_history(history.c_str());
  return terminal ? 0 : failed;
}

} // namespace

int run_console(const console_options& options) {
  if (!options.connect.empty()) ::setenv("TROUPE_CONSOLE", options.connect.c_str(), 1); // for every command
  if (!options.ca_file.empty()) ::setenv("TROUPE_CA_CERT", options.ca_file.c_str(), 1);
  if (options.commands.empty()) return run_prompt();
  int failed = 0;
  for (auto& line : options.commands) {
    auto code = run_line(line);
    if (!code) break;
    if (*code != 0) failed = *code;
  }
  return failed;
}

} // namespace troupe::cli
