#include "cli/load.hpp"

#include "cli/load_connection.hpp"

#include <algorithm>
#include <boost/asio/ssl/host_name_verification.hpp>
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

// "[::1]:9000" -> "::1", "9000"
std::pair<std::string, std::string> split_host(const std::string& authority, const char* port_default) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const auto has_port = colon != authority.npos && (bracket == authority.npos || colon > bracket);
  auto host = authority.substr(0, has_port ? colon : authority.npos);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {host, has_port ? authority.substr(colon + 1) : port_default};
}

struct place {
  std::string host;
  asio::ip::tcp::endpoint address;
  std::unique_ptr<asio::ssl::context> tls; // empty: plain
};

result<place> find(const connection& where) {
  const bool https = where.endpoint.starts_with("https://");
  const std::string_view scheme = https ? "https://" : "http://";
  const auto [host, port] = split_host(where.endpoint.substr(scheme.size()), https ? "443" : "80");
  asio::io_context io;
  asio::ip::tcp::resolver resolver{io};
  boost::system::error_code problem;
  const auto found = resolver.resolve(host, port, problem);
  if (problem || found.empty()) return fail(ec::unavailable, where.endpoint + ": " + problem.message());
  place p{.host = host, .address = found.begin()->endpoint(), .tls = {}};
  if (!https) return p;
  p.tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  ::SSL_CTX_set_min_proto_version(p.tls->native_handle(), TLS1_2_VERSION);
  if (where.ca_file.empty())
    p.tls->set_default_verify_paths(problem);
  else
    p.tls->load_verify_file(where.ca_file, problem);
  if (problem) return fail(ec::bad_argument, where.ca_file + ": " + problem.message());
  // As libcurl does: a certificate that is listed is believed, whoever signed it.
  ::X509_STORE_set_flags(::SSL_CTX_get_cert_store(p.tls->native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  if (!where.skip_verify) {
    p.tls->set_verify_mode(asio::ssl::verify_peer, problem);
    p.tls->set_verify_callback(asio::ssl::host_name_verification{host}, problem);
  }
  return p;
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
  const auto where = find(config.where);
  if (!where) return where.error();
  const auto cpu_before = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = config.duration ? start + *config.duration : std::chrono::steady_clock::time_point::max();
  const auto threads = std::max(1u, std::min(config.threads, config.connections));
  std::vector<std::array<load_totals, load_kinds>> totals(threads);
  std::vector<std::chrono::steady_clock::time_point> finished(threads, start);

  const auto run_thread = [&](unsigned t) {
    asio::io_context io{1};
    load_request_writer writer{config.where, config.bucket, config.payload_hash};
    load_shared shared{.config = config,
      .address = where->address,
      .host = where->host,
      .tls = where->tls.get(),
      .writer = writer,
      .totals = totals[t],
      .deadline = deadline};
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
