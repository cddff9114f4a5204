#include "cli/bench.hpp"
#include "cli/fake_s3.hpp"
#include "cli/load.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::cli;
using troupe::test::fake_s3;

namespace {

struct fixture {
  fixture() {
    config.where.endpoint = server.endpoint();
    config.where.host = server.endpoint().substr(7);
    config.where.access_key = config.where.secret_key = config.where.region = "x";
    config.bucket = "b";
    config.connections = 3;
    config.body = as_bytes(body);
    config.payload_hash = "UNSIGNED-PAYLOAD";
    config.gauge = &gauge;
  }
  // `count` requests of one kind, keys k0, k1, ...
  result<load_result> run(load_kind kind, unsigned count) {
    std::atomic<unsigned> next = 0;
    config.next = [&](unsigned) -> std::optional<load_step> {
      const auto i = next.fetch_add(1);
      if (i >= count) return std::nullopt;
      return load_step{kind, "k" + std::to_string(i)};
    };
    return run_load(config);
  }

  fake_s3 server;
  std::string body = std::string(10'000, 'x');
  load_gauge gauge;
  load_config config;
};

} // namespace

TEST_CASE("a load sends each request once and counts its bytes and latency") {
  fixture f;
  for (const unsigned threads : {1u, 2u}) {
    f.config.threads = threads;
    f.server.log.clear();
    const auto put = f.run(load_kind::put, 20);
    REQUIRE(put);
    CHECK(put->of(load_kind::put).latency.count() == 20);
    CHECK(put->of(load_kind::put).bytes == 20 * f.body.size());
    CHECK(put->of(load_kind::put).errors.empty());
    CHECK(f.server.log.size() == 20);
    CHECK(f.server.objects.size() == 20);
    CHECK(f.server.objects["/b/k7"] == f.body);
    const auto get = f.run(load_kind::get, 20);
    REQUIRE(get);
    CHECK(get->of(load_kind::get).latency.count() == 20);
    CHECK(get->of(load_kind::get).bytes == 20 * f.body.size());
  }
  CHECK(f.gauge.operations == 80);
  CHECK(f.gauge.failures == 0);
}

TEST_CASE("failures are counted by kind and never as successes") {
  fixture f;
  f.server.objects["/b/k0"] = "too short";
  f.server.objects["/b/k1"] = f.server.objects["/b/k2"] = f.server.objects["/b/k3"] = f.server.objects["/b/k4"] =
    f.body;
  f.server.inject = [](const fake_s3::request& r) {
    if (r.raw_target == "/b/k1") return fake_s3::fault::slow_down;
    if (r.raw_target == "/b/k2") return fake_s3::fault::drop;
    if (r.raw_target == "/b/k3") return fake_s3::fault::cut_body;
    return fake_s3::fault::none;
  };
  const auto got = f.run(load_kind::get, 6);
  REQUIRE(got);
  const auto& gets = got->of(load_kind::get);
  CHECK(gets.latency.count() == 1);
  CHECK(gets.errors ==
    std::map<std::string, std::uint64_t>{
      {"wrong size", 1}, {"SlowDown", 1}, {"closed without an answer", 1}, {"answer cut short", 1}, {"NoSuchKey", 1}});
  CHECK(gets.failures() == 5);
  CHECK(f.gauge.failures == 5);
}

TEST_CASE("a load that is stopped ends") {
  fixture f;
  std::stop_source stop;
  f.config.stop = stop.get_token();
  unsigned sent = 0;
  f.config.next = [&](unsigned) -> std::optional<load_step> {
    if (++sent == 10) stop.request_stop();
    return load_step{load_kind::put, "k"};
  };
  f.config.connections = 1;
  REQUIRE(run_load(f.config));
  CHECK(sent == 10);
}

TEST_CASE("a server that is not there is counted, an address that cannot be used is an error") {
  fixture f;
  f.config.where.endpoint = "http://127.0.0.1:1";
  const auto refused = f.run(load_kind::get, 2);
  REQUIRE(refused);
  CHECK(refused->of(load_kind::get).errors == std::map<std::string, std::uint64_t>{{"connect: Connection refused", 2}});
  f.config.where.endpoint = "https://127.0.0.1:1";
  const auto over_tls = f.run(load_kind::get, 2);
  REQUIRE(over_tls);
  CHECK(over_tls->of(load_kind::get).failures() == 2);
  f.config.where.ca_file = "/nonexistent/ca.pem";
  const auto no_authority = f.run(load_kind::get, 1);
  REQUIRE_FALSE(no_authority);
  CHECK(no_authority.error().code == ec::bad_argument);
  CHECK(no_authority.error().message.starts_with("/nonexistent/ca.pem: "));
}

TEST_CASE("a server that speaks no TLS is counted, and ends") {
  fixture f;
  f.config.where.endpoint = "https" + f.server.endpoint().substr(4);
  const auto failed = f.run(load_kind::put, 3);
  REQUIRE(failed);
  CHECK(failed->of(load_kind::put).failures() == 3);
  CHECK(failed->of(load_kind::put).latency.count() == 0);
}

TEST_CASE("a report holds rates, percentiles and errors") {
  bench_report report;
  report.load.seconds = 2;
  auto& puts = report.load.kinds[static_cast<std::size_t>(load_kind::put)];
  for (std::uint64_t us = 1; us <= 100; ++us) puts.latency.add(us);
  puts.bytes = 100 << 20;
  puts.errors["SlowDown"] = 3;
  bench_config config;
  config.where.endpoint = "http://h";
  const auto text = report_text(config, report);
  CHECK(text.find("50.0 ops/s   50.0 MiB/s   100 done") != std::string::npos);
  CHECK(text.find("p50 50 us   p90 90 us   p99 99 us   p99.9 100 us   max 100 us") != std::string::npos);
  CHECK(text.find("SlowDown 3") != std::string::npos);
  const auto json = report_json(config, report);
  CHECK(json.find(R"("errors":{"SlowDown":3})") != std::string::npos);
  CHECK(json.find(R"("p99":99)") != std::string::npos);
  CHECK(json.ends_with("}\n"));
}
