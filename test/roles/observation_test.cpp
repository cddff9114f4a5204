// metrics.* and tracing.* of the configuration, and the token's file.
#include "roles/observation.hpp"

#include "roles/cluster_config.hpp"
#include "store/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace troupe;

namespace {

result<cluster_config> parsed(const std::string& more, const config_overrides& overrides = {}) {
  return parse_cluster_config(
    "storage:\n" + more + "  nodes:\n    - {id: n1, address: \"127.0.0.1\", data_dir: \"/data/{node}\"}\n", "t.yaml",
    overrides);
}

result<std::unique_ptr<observation>> with_token(const std::string& text) {
  test::temporary_directory at;
  std::ofstream{at.path() + "/token"} << text;
  return observation::start({.metrics_token_file = at.path() + "/token"}, "n1");
}

} // namespace

TEST_CASE("without a word of it nothing is traced and metrics are open") {
  const auto c = parsed("").value();
  CHECK(c.observation == observation_settings{});
  CHECK(c.observation.trace_endpoint.empty());
  auto o = observation::start(c.observation, "n1").value();
  CHECK(o->tracing() == nullptr);
  CHECK(o->metrics_token().empty());
}

TEST_CASE("a collector is an http address, a share a number from 0 to 1") {
  const auto tracing = [](const std::string& fields) { return parsed("  tracing: {" + fields + "}\n"); };
  auto c = tracing("endpoint: \"http://collector:4318/v1/traces\", sample: 0.5").value();
  CHECK(c.observation.trace_endpoint == "http://collector:4318/v1/traces");
  CHECK(c.observation.trace_sample == 0.5);
  CHECK(tracing("endpoint: \"off\"")->observation.trace_endpoint.empty());
  CHECK(tracing("endpoint: \"https://collector/v1/traces\", sample: 1").has_value());
  for (const char* wrong : {"endpoint: \"collector:4318\"", "endpoint: \"http://\"", "endpoint: \"ftp://x/\"",
         "endpoint: \"http://user@host/\"", "endpoint: \"\"", "sample: 1.01", "sample: -0.1", "sample: often",
         "sample: nan", "sample: 1e-3", "sample: \"\""}) {
    auto refused = tracing(wrong);
    CAPTURE(wrong);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("tracing.") != std::string::npos);
  }
}

TEST_CASE("what a flag or a variable says about tracing wins over the file") {
  config_overrides o;
  o.trace_endpoint.value = "http://other:4318/v1/traces";
  o.trace_endpoint.origin = "--tracing-endpoint";
  o.trace_sample.value = '0'; // as text GCC 12 warns of it
  o.trace_sample.origin = "TROUPE_TRACING_SAMPLE";
  auto c = parsed("  tracing: {endpoint: \"http://file:4318/v1/traces\", sample: 0.5}\n", o).value();
  CHECK(c.observation.trace_endpoint == "http://other:4318/v1/traces");
  CHECK(c.observation.trace_sample == 0);
  o.trace_sample.value = "2";
  auto refused = parsed("", o);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("TROUPE_TRACING_SAMPLE") != std::string::npos);
}

TEST_CASE("the token of metrics is one line that nobody guesses") {
  auto good = with_token("0123456789abcdef\n");
  REQUIRE(good.has_value());
  CHECK((*good)->metrics_token() == "0123456789abcdef");
  for (const char* wrong : {"", "short", "0123456789 abcdef", "0123456789abcdef\n0123456789abcdef\n"}) {
    auto refused = with_token(wrong);
    CAPTURE(wrong);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("metrics.token_file") != std::string::npos);
  }
  CHECK(observation::start({.metrics_token_file = "/nonexistent/token"}, "n1").error().code == ec::not_found);
}
