// The command line of `troupe bench`.
#include "cli/bench.hpp"
#include "cli/commands.hpp"
#include "cli/interrupts.hpp"
#include "cli/object_name.hpp"
#include "cli/progress.hpp"
#include "cli/s3_failure.hpp"
#include "codec/units.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

namespace troupe::cli {

namespace {

constexpr std::uint64_t object_bytes_max = std::uint64_t{1} << 30; // it is held in memory

constexpr const char* bench_examples =
  R"(Closed loop: each connection sends its next request when the last is answered. The same keep-alive connections carry all
requests. Latency is from the first byte sent to the last received. It runs on the machine of the server: the report says
how much CPU the client took. Objects are removed at the end, and the bucket when none was given.

Examples:
  troupe bench put --size 4KiB --concurrency 32 --duration 30s
  troupe bench get --size 1MiB --objects 200
  troupe bench mixed --read-percent 90 --json
  troupe bench list --keys 100000 --concurrency 4)";

struct bench_flags {
  connection_flags where;
  bench_config config;
  std::string mode = "put";
  std::string size;
  std::string duration = "10s";
  bool json = false;
  bool quiet = false;
  bool unsigned_payload = false; // the default; the flag exists to say it
};

result<> complete(bench_flags& flags) {
  auto& config = flags.config;
  for (const auto mode : {bench_mode::put, bench_mode::get, bench_mode::mixed, bench_mode::list})
    if (name_of(mode) == flags.mode) config.mode = mode;
  if (flags.size.empty()) flags.size = config.mode == bench_mode::list ? "0" : "4KiB";
  const auto bytes = parse_size(flags.size);
  if (!bytes || *bytes > object_bytes_max)
    return fail(ec::bad_argument, "--size '" + flags.size + "' is not a size up to 1GiB, like 4KiB or 16MiB");
  config.object_bytes = *bytes;
  const auto duration = parse_duration(flags.duration);
  if (!duration || duration->count() == 0)
    return fail(ec::bad_argument, "--duration '" + flags.duration + "' is not a time like 500ms, 10s or 2m");
  config.duration = *duration;
  if (!config.bucket.empty()) {
    const auto bucket = parse_bucket(config.bucket);
    if (!bucket) return bucket.error();
    config.bucket = bucket->bucket;
  }
  if (config.existing && (config.mode != bench_mode::list || config.bucket.empty()))
    return fail(ec::bad_argument, "--existing is for `bench list` with --bucket: it lists what that bucket holds");
  auto where = resolve(flags.where, process_environment());
  if (!where) return where.error();
  config.where = *std::move(where);
  warn_if_unverified(config.where);
  return {};
}

int run(bench_flags& flags) {
  const auto what = "bench " + flags.mode;
  if (auto completed = complete(flags); !completed) {
    report_failure(what, completed.error());
    return 2;
  }
  const interrupts signals;
  flags.config.stop = signals.token();
  flags.config.progress = !flags.quiet && stderr_is_terminal();
  const auto report = run_bench(flags.config);
  if (report) {
    std::fputs((flags.json ? report_json(flags.config, *report) : report_text(flags.config, *report)).c_str(), stdout);
    std::fflush(stdout);
  } else {
    report_failure(what, report.error());
  }
  if (signals.signal() != 0) return 128 + signals.signal();
  if (!report) return report.error().code == ec::bad_argument ? 2 : 1;
  // Numbers of requests that failed are still numbers, but a script must notice.
  return report->load.of(load_kind::put).errors.empty() && report->load.of(load_kind::get).errors.empty() &&
      report->pages.errors.empty() && !report->cleanup
    ? 0
    : 1;
}

} // namespace

void add_bench(CLI::App& app, command& chosen) {
  auto* const bench = app.add_subcommand("bench", "Measure a store: rate and latency of PUT, GET, a mix, or listing");
  const auto flags = std::make_shared<bench_flags>();
  auto& config = flags->config;
  bench->add_option("MODE", flags->mode, "put, get, mixed or list")
    ->capture_default_str()
    ->check(CLI::IsMember({"put", "get", "mixed", "list"}))
    ->type_name("");
  bench->add_option("--size", flags->size, "Bytes of each object (default 4KiB; 0 for list)")->type_name("SIZE");
  bench->add_option("--concurrency", config.concurrency, "Connections; for list, listers")
    ->capture_default_str()
    ->check(CLI::Range(1, 4096))
    ->type_name("N");
  bench->add_option("--threads", config.threads, "Threads that drive the connections")
    ->capture_default_str()
    ->check(CLI::Range(1, 256))
    ->type_name("N");
  bench->add_option("--duration", flags->duration, "For how long")->capture_default_str()->type_name("TIME");
  bench
    ->add_option("--objects,--keys", config.objects,
      "Objects to prepare (default 1000; 10000 for list); for put, overwrite so many instead of writing new ones")
    ->type_name("N");
  bench->add_option("--read-percent", config.read_percent, "Share of GETs in mixed")
    ->capture_default_str()
    ->check(CLI::Range(0, 100))
    ->type_name("N");
  bench->add_option("--bucket", config.bucket, "Use this bucket; one is made and removed when absent")
    ->type_name("BUCKET");
  bench->add_flag("--existing", config.existing, "For list: what --bucket holds; prepare and remove nothing");
  bench->add_flag("--keep", config.keep, "Leave the objects, and the bucket that was made");
  auto* const with_hash = bench->add_flag(
    "--signed-payload", config.signed_payload, "Send the SHA-256 of each body, which the server must check");
  bench->add_flag("--unsigned-payload", flags->unsigned_payload, "Do not (the default)")->excludes(with_hash);
  bench->add_flag("--json", flags->json, "Print the result as one JSON document");
  bench->add_flag("--quiet", flags->quiet, "No progress line");
  add_connection_options(*bench, flags->where);
  bench->footer(bench_examples);
  bench->callback([flags, &chosen] { chosen = [flags] { return run(*flags); }; });
}

} // namespace troupe::cli
