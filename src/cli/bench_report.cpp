// How the results of `troupe bench` are shown.
#include "cli/bench.hpp"
#include "codec/units.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

namespace troupe::cli {

namespace {

constexpr std::array percentiles{0.5, 0.9, 0.99, 0.999};

double per_second(std::uint64_t n, double seconds) { return seconds > 0 ? static_cast<double>(n) / seconds : 0.0; }

// One decimal where that says something.
std::string number(double value) {
  const auto rounded = std::round(value * 10) / 10;
  auto text = std::to_string(rounded);
  return text.substr(0, text.find('.') + (rounded < 1000 ? 2 : 0));
}

std::string rates(const load_totals& totals, double seconds) {
  const auto bytes = static_cast<std::uint64_t>(per_second(totals.bytes, seconds));
  return number(per_second(totals.latency.count(), seconds)) + " ops/s   " + human_bytes(bytes) + "/s   " +
    std::to_string(totals.latency.count()) + " done";
}

std::string latencies(const histogram& h) {
  if (h.count() == 0) return "none";
  std::string text;
  constexpr std::array names{"p50 ", "p90 ", "p99 ", "p99.9 "};
  for (std::size_t i = 0; i != percentiles.size(); ++i)
    text += names[i] + human_microseconds(h.percentile(percentiles[i])) + "   ";
  return text + "max " + human_microseconds(h.max());
}

std::string errors(const load_totals& totals) {
  if (totals.errors.empty()) return "none";
  std::string text;
  for (const auto& [kind, count] : totals.errors)
    text += (text.empty() ? "" : ", ") + kind + " " + std::to_string(count);
  return text;
}

void append_totals(std::string& out, std::string_view name, const load_totals& totals, double seconds) {
  ((out += name) += ":\n  rate      ") += rates(totals, seconds);
  (out += "\n  latency   ") += latencies(totals.latency);
  ((out += "\n  errors    ") += errors(totals)) += '\n';
}

boost::json::object totals_json(const load_totals& totals, double seconds) {
  boost::json::object kinds;
  for (const auto& [kind, count] : totals.errors) kinds[kind] = count;
  return {{"operations", totals.latency.count()}, {"bytes", totals.bytes},
    {"ops_per_second", per_second(totals.latency.count(), seconds)},
    {"mib_per_second", per_second(totals.bytes, seconds) / 1048576.0},
    {"latency_us",
      {{"p50", totals.latency.percentile(0.5)}, {"p90", totals.latency.percentile(0.9)},
        {"p99", totals.latency.percentile(0.99)}, {"p99_9", totals.latency.percentile(0.999)},
        {"max", totals.latency.max()}, {"mean", totals.latency.mean()}}},
    {"errors", std::move(kinds)}};
}

bool used(const load_totals& totals) { return totals.latency.count() != 0 || !totals.errors.empty(); }

} // namespace

std::string report_text(const bench_config& config, const bench_report& report) {
  const auto seconds = report.load.seconds;
  auto out = "bench " + std::string{name_of(config.mode)} + ": " + human_bytes(config.object_bytes) + " objects, " +
    std::to_string(config.concurrency) + (report.list ? " listers, " : " connections, ") + number(seconds) + " s, " +
    config.where.endpoint + "\n";
  if (report.list) {
    out += "list: " + std::to_string(report.objects_prepared) + " keys, pages of at most 1000\n  keys      " +
      number(per_second(report.keys_listed, seconds)) + " keys/s\n";
    append_totals(out, "pages", report.pages, seconds);
  }
  const auto& puts = report.load.of(load_kind::put);
  const auto& gets = report.load.of(load_kind::get);
  if (used(puts)) append_totals(out, "put", puts, seconds);
  if (used(gets)) append_totals(out, "get", gets, seconds);
  if (!report.list && !used(puts) && !used(gets)) out += "nothing was done in the time given\n";
  if (report.load.client_cpu_seconds > 0 && seconds > 0)
    out += "client: " + number(100 * report.load.client_cpu_seconds / seconds) + " % of a core\n";
  if (report.cleanup) out += "not cleaned up: " + report.cleanup->message + "\n";
  return out;
}

std::string report_json(const bench_config& config, const bench_report& report) {
  const auto seconds = report.load.seconds;
  boost::json::object out{{"mode", name_of(config.mode)}, {"endpoint", config.where.endpoint},
    {"object_bytes", config.object_bytes}, {"concurrency", config.concurrency}, {"threads", config.threads},
    {"signed_payload", config.signed_payload}, {"objects_prepared", report.objects_prepared}, {"seconds", seconds}};
  if (report.list) {
    out["keys_listed"] = report.keys_listed;
    out["keys_per_second"] = per_second(report.keys_listed, seconds);
    out["pages"] = totals_json(report.pages, seconds);
  } else {
    if (const auto& puts = report.load.of(load_kind::put); used(puts)) out["put"] = totals_json(puts, seconds);
    if (const auto& gets = report.load.of(load_kind::get); used(gets)) out["get"] = totals_json(gets, seconds);
    out["client_cpu_seconds"] = report.load.client_cpu_seconds;
  }
  if (report.cleanup) out["not_cleaned_up"] = report.cleanup->message;
  return boost::json::serialize(out) + "\n";
}

} // namespace troupe::cli
