#include "cli/storage.hpp"

#include "cli/s3_failure.hpp"

#include <boost/json/serialize.hpp>
#include <CLI/CLI.hpp>
#include <cstdio>

namespace troupe::cli {

namespace {

constexpr const char* storage_examples =
  R"(Objects are named BUCKET/KEY; s3://BUCKET/KEY works too. Keys and endpoint come from flags, the environment
(TROUPE_ENDPOINT, TROUPE_ACCESS_KEY, TROUPE_SECRET_KEY), or the file that `troupe dev` wrote into --data.

Examples:
  troupe storage mb photos
  troupe storage put cat.jpg photos/2026/cat.jpg --content-type image/jpeg
  tar c src | troupe storage put - photos/src.tar
  troupe storage ls photos --recursive
  troupe storage get photos/2026/cat.jpg copy.jpg
  troupe storage presign photos/2026/cat.jpg --expires 3600
  troupe storage rb photos --force)";

} // namespace

void add_storage(CLI::App& app, command& chosen) {
  auto* const storage = app.add_subcommand(
    "storage", "Buckets and objects: mb, rb, ls, put, get, cat, rm, cp, stat, presign, cluster-status");
  storage->require_subcommand(0, 1);
  storage->footer(storage_examples);
  add_bucket_commands(*storage, chosen);
  add_transfer_commands(*storage, chosen);
  add_object_commands(*storage, chosen);
  add_cluster_commands(*storage, chosen);
}

CLI::App* add_storage_command(
  CLI::App& storage, const std::string& name, const std::string& description, storage_flags& flags) {
  auto* const added = storage.add_subcommand(name, description);
  added->add_flag("--json", flags.json, "Print results as JSON, one document a line");
  added->add_flag("--quiet", flags.quiet, "Print errors only");
  add_connection_options(*added, flags.where);
  return added;
}

int run_session(const storage_flags& flags, const std::string& what, const std::function<result<>(session&)>& work) {
  return run_connected(resolve(flags.where, process_environment()), flags, what, work, hint_for);
}

int run_connected(result<connection> where, const storage_flags& flags, const std::string& what,
  const std::function<result<>(session&)>& work, std::string_view (*hint)(const error&) noexcept) {
  if (!where) {
    report_failure(what, where.error(), hint(where.error()));
    return where.error().code == ec::bad_argument ? 2 : 1;
  }
  warn_if_unverified(*where);
  session s{.where = *std::move(where), .signals = {}, .json = flags.json, .quiet = flags.quiet};
  auto done = work(s);
  if (done && std::fflush(stdout) != 0) done = check_stdout();
  if (done) return 0;
  report_failure(what, done.error(), hint(done.error()));
  if (s.signals.signal() != 0) return 128 + s.signals.signal();
  return done.error().code == ec::bad_argument ? 2 : 1;
}

void print_json(const boost::json::object& object) { print_line(boost::json::serialize(object)); }

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

result<> check_stdout() {
  if (std::ferror(stdout) != 0) return fail(ec::io_error, "cannot write the output");
  return {};
}

std::string shown(std::string_view name) {
  std::string out{name};
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string{slash == path.npos ? path : path.substr(slash + 1)};
}

object_name completed(object_name to, std::string_view source) {
  if (to.key.empty() || to.key.ends_with('/')) to.key += last_part(source);
  return to;
}

} // namespace troupe::cli
