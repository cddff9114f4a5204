// The list mode of `troupe bench`: pages of ListObjectsV2, read with as little work as possible.
#include "cli/bench.hpp"
#include "cli/bench_ticker.hpp"
#include "cli/s3_client.hpp"

#include <mutex>
#include <thread>

namespace troupe::cli {

namespace {

using clock = std::chrono::steady_clock;

std::uint64_t count_of(std::string_view text, std::string_view what) {
  std::uint64_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
  const auto from = text.find(open);
  if (from == text.npos) return {};
  const auto to = text.find(close, from);
  return to == text.npos ? std::string_view{} : text.substr(from + open.size(), to - from - open.size());
}

// S3's code from "NoSuchBucket: the message".
std::string kind_of(const error& e) { return e.message.substr(0, e.message.find(':')); }

struct lister {
  const bench_config& config;
  std::string bucket, prefix;
  clock::time_point deadline;
  load_gauge& gauge;
  std::mutex guard{};
  load_totals pages{};
  std::uint64_t keys = 0;

  void run() {
    s3_client client{config.where, {.stop = config.stop}};
    load_totals own;
    std::uint64_t own_keys = 0;
    std::string after;
    while (clock::now() < deadline && !config.stop.stop_requested()) {
      s3_request request{.bucket = bucket, .query = {{"list-type", "2"}, {"prefix", prefix}}};
      if (!after.empty()) request.query.emplace_back("continuation-token", after);
      const auto before = clock::now();
      const auto answer = client.call(request);
      const auto now = clock::now();
      if (!answer) {
        ++own.errors[kind_of(answer.error())];
        gauge.failures.fetch_add(1, std::memory_order_relaxed);
        after.clear();
        if (!back_off(config.where, 0, config.stop)) break;
        continue;
      }
      if (now > deadline) break;
      own.latency.add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - before).count()));
      own.bytes += answer->body.size();
      own_keys += count_of(answer->body, "<Key>");
      gauge.operations.fetch_add(1, std::memory_order_relaxed);
      gauge.bytes.fetch_add(answer->body.size(), std::memory_order_relaxed);
      after = between(answer->body, "<NextContinuationToken>", "</NextContinuationToken>"); // tokens are URL-safe text
    }
    const std::lock_guard lock{guard};
    pages.merge(own);
    keys += own_keys;
  }
};

} // namespace

result<bench_report> run_list_load(const bench_config& config, const std::string& bucket, const std::string& prefix) {
  load_gauge gauge;
  const auto start = clock::now();
  lister all{.config = config, .bucket = bucket, .prefix = prefix, .deadline = start + config.duration, .gauge = gauge};
  {
    const bench_ticker ticker{gauge, "list (pages)", config.progress};
    std::vector<std::jthread> crew;
    for (unsigned i = 0; i != config.concurrency; ++i) crew.emplace_back([&all] { all.run(); });
  }
  const auto end = std::min(clock::now(), all.deadline);
  bench_report report{.load = {},
    .pages = std::move(all.pages),
    .keys_listed = all.keys,
    .objects_prepared = 0,
    .list = true,
    .cleanup = {}};
  report.load.seconds = std::chrono::duration<double>(end - start).count();
  return report;
}

} // namespace troupe::cli
