#include "cli/load.hpp"

#include "cli/load_connection.hpp"

#include <algorithm>
#include <memory>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace troupe::cli {

namespace {

constexpr std::chrono::seconds drain_time{10};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// "[::1]:9000" -> "::1", "9000"; the port of http when there is none.
std::pair<std::string, std::string> split_host(const std::string& authority) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const auto has_port = colon != authority.npos && (bracket == authority.npos || colon > bracket);
  auto host = authority.substr(0, has_port ? colon : authority.npos);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {host, has_port ? authority.substr(colon + 1) : "80"};
}

result<asio::ip::tcp::endpoint> resolve_address(const connection& where) {
  constexpr std::string_view scheme = "http://";
  if (!where.endpoint.starts_with(scheme))
    return fail(ec::bad_argument, "bench speaks http only, and the endpoint is " + where.endpoint);
  const auto [host, port] = split_host(where.endpoint.substr(scheme.size()));
  asio::io_context io;
  asio::ip::tcp::resolver resolver{io};
  boost::system::error_code problem;
  const auto found = resolver.resolve(host, port, problem);
  if (problem || found.empty()) return fail(ec::unavailable, where.endpoint + ": " + problem.message());
  return found.begin()->endpoint();
}

} // namespace

std::uint64_t load_totals::failures() const {
  std::uint64_t n = 0;
  for (const auto& [kind, count] : errors) n += count;
  return n;
}

void load_totals::merge(const load_totals& other) {
  latency.merge(other.latency);
  bytes += other.bytes;
  for (const auto& [kind, count] : other.errors) errors[kind] += count;
}

result<load_result> run_load(const load_config& config) {
  const auto address = resolve_address(config.where);
  if (!address) return address.error();
  const auto cpu_before = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = config.duration ? start + *config.duration : std::chrono::steady_clock::time_point::max();
  const auto threads = std::max(1u, std::min(config.threads, config.connections));
  std::vector<std::array<load_totals, load_kinds>> totals(threads);
  std::vector<std::chrono::steady_clock::time_point> finished(threads, start);

  const auto run_thread = [&](unsigned t) {
    asio::io_context io{1};
    load_request_writer writer{config.where, config.bucket, config.payload_hash};
    load_shared shared{
      .config = config, .address = *address, .writer = writer, .totals = totals[t], .deadline = deadline};
    std::vector<std::unique_ptr<load_connection>> connections;
    for (unsigned i = t; i < config.connections; i += threads)
      connections.push_back(std::make_unique<load_connection>(io, shared, i));
    for (auto& c : connections) c->start();
    // One sweep a second instead of a timer for each request.
    while (!io.stopped()) {
      io.run_for(std::chrono::milliseconds{200});
      const auto now = std::chrono::steady_clock::now();
      if (config.stop.stop_requested() && shared.deadline > now) shared.deadline = now;
      for (auto& c : connections) c->sweep(now, now > shared.deadline && now - shared.deadline > drain_time);
    }
    finished[t] = std::min(std::chrono::steady_clock::now(), shared.deadline);
  };
  {
    std::vector<std::jthread> crew;
    for (unsigned t = 1; t < threads; ++t) crew.emplace_back(run_thread, t);
    run_thread(0);
  }
  load_result result;
  for (const auto& of_thread : totals)
    for (std::size_t k = 0; k != load_kinds; ++k) result.kinds[k].merge(of_thread[k]);
  const auto end = *std::max_element(finished.begin(), finished.end());
  result.seconds = std::chrono::duration<double>(end - start).count();
  result.client_cpu_seconds = cpu_seconds() - cpu_before;
  return result;
}

} // namespace troupe::cli
