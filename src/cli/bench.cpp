#include "cli/bench.hpp"

#include "base/environment.hpp"
#include "cli/bench_ticker.hpp"
#include "cli/s3_calls.hpp"
#include "cli/server_copy.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <random>

namespace troupe::cli {

namespace {

constexpr std::uint64_t failures_max = 16; // then preparing gives up

std::string random_name() {
  std::array<std::byte, 5> raw{};
  system_entropy().fill(raw);
  return hex_encode(bytes_view{raw});
}

// Zero-padded, so that keys sort and have one length.
std::string object_key(const std::string& prefix, std::uint64_t number) {
  auto digits = std::to_string(number);
  return prefix + std::string(digits.size() < 9 ? 9 - digits.size() : 0, '0') + digits;
}

std::uint64_t objects_of(const bench_config& config) {
  if (config.objects != 0) return config.objects;
  switch (config.mode) {
  case bench_mode::put: return 0;
  case bench_mode::list: return 10'000;
  default: return 1000;
  }
}

class bench_run {
public:
  explicit bench_run(const bench_config& config)
      : config_(config),
        bucket_(config.bucket.empty() ? "troupe-bench-" + random_name() : config.bucket),
        prefix_(config.existing ? "" : "bench-" + random_name() + "/"),
        body_(std::make_unique_for_overwrite<std::byte[]>(config.object_bytes)) {
    // Random, so that compression on the way cannot flatter.
    system_entropy().fill({body_.get(), static_cast<std::size_t>(config.object_bytes)});
    for (unsigned i = 0; i != config.concurrency; ++i) random_.emplace_back(i + 1);
  }

  result<bench_report> run() {
    if (config_.bucket.empty()) {
      s3_client client{config_.where, {.stop = config_.stop}};
      TROUPE_TRY(make_bucket(client, bucket_));
    }
    auto report = measure();
    if (config_.keep || config_.existing) return report;
    auto cleaned = clean_up();
    if (report && !cleaned) report->cleanup = cleaned.error();
    return report;
  }

private:
  result<bench_report> measure() {
    const auto objects = config_.existing ? 0 : objects_of(config_);
    if (!config_.existing && config_.mode != bench_mode::put) TROUPE_TRY(prepare(objects));
    if (config_.mode == bench_mode::list) {
      auto listed = run_list_load(config_, bucket_, prefix_);
      if (listed) listed->objects_prepared = objects;
      return listed;
    }
    std::vector<std::uint64_t> fresh(config_.concurrency);
    load_gauge gauge;
    auto load = run(config_.duration, name_of(config_.mode), gauge, [&](unsigned i) -> std::optional<load_step> {
      auto& random = random_[i];
      if (config_.mode == bench_mode::put && objects == 0)
        return load_step{load_kind::put, object_key(prefix_ + std::to_string(i) + '/', fresh[i]++)};
      const auto reads =
        config_.mode == bench_mode::get || (config_.mode == bench_mode::mixed && random() % 100 < config_.read_percent);
      return load_step{reads ? load_kind::get : load_kind::put, object_key(prefix_, random() % objects)};
    });
    if (!load) return load.error();
    return bench_report{.load = *std::move(load),
      .pages = {},
      .keys_listed = 0,
      .objects_prepared = config_.mode == bench_mode::put ? 0 : objects,
      .list = false,
      .cleanup = {}};
  }

  result<> prepare(std::uint64_t objects) {
    std::atomic<std::uint64_t> next = 0;
    load_gauge gauge;
    auto load = run(std::nullopt, "preparing", gauge, [&](unsigned) -> std::optional<load_step> {
      const auto number = next.fetch_add(1);
      if (number >= objects || gauge.failures.load(std::memory_order_relaxed) >= failures_max) return std::nullopt;
      return load_step{load_kind::put, object_key(prefix_, number)};
    });
    if (!load) return load.error();
    if (config_.stop.stop_requested()) return fail(ec::closed, "interrupted");
    const auto& puts = load->of(load_kind::put);
    if (puts.failures() == 0) return {};
    const auto& [kind, count] = *puts.errors.begin();
    return fail(ec::unavailable,
      "preparing " + std::to_string(objects) + " objects failed after " + std::to_string(puts.latency.count()) + ": " +
        kind + " (" + std::to_string(count) + " times)");
  }

  result<load_result> run(std::optional<std::chrono::milliseconds> duration, std::string_view label, load_gauge& gauge,
    const std::function<std::optional<load_step>(unsigned)>& next) {
    const bytes_view body{body_.get(), static_cast<std::size_t>(config_.object_bytes)};
    const auto hash = config_.signed_payload ? hex_encode(bytes_view{sha256(body)}) : std::string{"UNSIGNED-PAYLOAD"};
    const bench_ticker ticker{gauge, std::string{label}, config_.progress};
    return run_load({.where = config_.where,
      .bucket = bucket_,
      .connections = config_.concurrency,
      .threads = config_.threads,
      .duration = duration,
      .body = body,
      .payload_hash = hash,
      .stop = config_.stop,
      .gauge = &gauge,
      .next = next});
  }

  // Also after an interrupt: the objects are ours to remove.
  result<> clean_up() {
    if (config_.progress) std::fputs("removing the objects\r", stderr);
    s3_client client{config_.where};
    const auto removed = remove_prefix(client, {bucket_, prefix_});
    if (config_.progress) std::fputs("\x1b[K", stderr);
    if (!removed) return removed.error();
    return config_.bucket.empty() ? remove_bucket(client, bucket_) : result<>{};
  }

  const bench_config& config_;
  std::string bucket_, prefix_;
  std::unique_ptr<std::byte[]> body_;
  std::vector<std::mt19937_64> random_; // one for each connection
};

} // namespace

std::string_view name_of(bench_mode mode) noexcept {
  switch (mode) {
  case bench_mode::put: return "put";
  case bench_mode::get: return "get";
  case bench_mode::mixed: return "mixed";
  case bench_mode::list: return "list";
  }
  return "unknown";
}

result<bench_report> run_bench(const bench_config& config) { return bench_run{config}.run(); }

} // namespace troupe::cli
