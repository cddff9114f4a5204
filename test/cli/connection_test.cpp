#include "cli/connection.hpp"

#include "cli/credentials.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

using namespace troupe;
using namespace troupe::cli;

namespace {

environment_lookup environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
}

struct temporary_folder {
  temporary_folder() {
    char name[] = "/tmp/troupe-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~temporary_folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream{path / name} << text; }
  std::filesystem::path path;
};

} // namespace

TEST_CASE("flags come before the environment, the environment before the credentials file") {
  const temporary_folder data;
  data.write("credentials", "access_key = FILE\nsecret_key = file-secret\nendpoint = http://127.0.0.1:7000\n");
  const auto variables = environment({{"TROUPE_ENDPOINT", "http://127.0.0.1:8000/"}, {"TROUPE_ACCESS_KEY", "ENV"},
    {"TROUPE_SECRET_KEY", "env-secret"}, {"TROUPE_REGION", "eu-central-1"}});

  const auto by_flags = resolve({.endpoint = "https://s3.example.com",
                                  .access_key = "FLAG",
                                  .secret_key = "flag-secret",
                                  .region = "x",
                                  .data = data.path,
                                  .ca_file = ""},
    variables);
  REQUIRE(by_flags);
  CHECK(by_flags->endpoint == "https://s3.example.com");
  CHECK(by_flags->access_key == "FLAG");
  CHECK(by_flags->secret_key == "flag-secret");
  CHECK(by_flags->region == "x");

  connection_flags only_data;
  only_data.data = data.path;
  const auto by_environment = resolve(only_data, variables);
  REQUIRE(by_environment);
  CHECK(by_environment->endpoint == "http://127.0.0.1:8000");
  CHECK(by_environment->access_key == "ENV");
  CHECK(by_environment->region == "eu-central-1");

  const auto by_file = resolve(only_data, environment({}));
  REQUIRE(by_file);
  CHECK(by_file->endpoint == "http://127.0.0.1:7000");
  CHECK(by_file->access_key == "FILE");
  CHECK(by_file->secret_key == "file-secret");
  CHECK(by_file->region == "us-east-1");
}

TEST_CASE("a secret may come from the environment for an access key given as a flag") {
  connection_flags flags;
  flags.access_key = "FLAG";
  const auto c = resolve(flags, environment({{"TROUPE_SECRET_KEY", "s"}}));
  REQUIRE(c);
  CHECK(c->secret_key == "s");
  CHECK(c->endpoint == "http://127.0.0.1:9000");
}

TEST_CASE("half of one pair of keys is never completed with half of another") {
  connection_flags flags;
  flags.access_key = "FLAG";
  CHECK_FALSE(resolve(flags, environment({})));
  CHECK_FALSE(resolve(flags, environment({{"TROUPE_ACCESS_KEY", "OTHER"}, {"TROUPE_SECRET_KEY", "s"}})));
  CHECK_FALSE(resolve({}, environment({{"TROUPE_ACCESS_KEY", "A"}})));
  CHECK_FALSE(resolve({}, environment({{"TROUPE_SECRET_KEY", "s"}})));
}

TEST_CASE("without any keys the message says where they may come from") {
  const temporary_folder empty;
  connection_flags flags;
  flags.data = empty.path;
  const auto c = resolve(flags, environment({}));
  REQUIRE_FALSE(c);
  CHECK(c.error().code == ec::bad_argument);
  CHECK(c.error().message.find("TROUPE_ACCESS_KEY") != std::string::npos);
  CHECK(c.error().message.find((empty.path / "credentials").string()) != std::string::npos);
}

TEST_CASE("an address without a scheme is https when an authority was named, and what says http stays http") {
  const auto keys = environment({{"TROUPE_ACCESS_KEY", "A"}, {"TROUPE_SECRET_KEY", "s"}});
  const auto with_authority =
    environment({{"TROUPE_ACCESS_KEY", "A"}, {"TROUPE_SECRET_KEY", "s"}, {"TROUPE_CA_CERT", "env.pem"}});
  CHECK(resolve({}, keys)->endpoint == "http://127.0.0.1:9000");
  CHECK(resolve({}, keys)->ca_file.empty());
  CHECK_FALSE(resolve({}, keys)->skip_verify);
  CHECK(resolve({}, with_authority)->endpoint == "https://127.0.0.1:9000");
  CHECK(resolve({}, with_authority)->ca_file == "env.pem");
  CHECK(resolve_console({}, with_authority)->endpoint == "https://127.0.0.1:9001");
  connection_flags flags;
  flags.ca_file = "flag.pem";
  flags.console = "storage-1:9001";
  CHECK(resolve_console(flags, with_authority)->ca_file == "flag.pem");
  CHECK(resolve_console(flags, keys)->endpoint == "https://storage-1:9001");
  flags.console = "http://storage-1:9001";
  CHECK(resolve_console(flags, keys)->endpoint == "http://storage-1:9001");
  connection_flags blind;
  blind.skip_verify = true;
  CHECK(resolve(blind, keys)->endpoint == "https://127.0.0.1:9000");
  CHECK(resolve(blind, keys)->skip_verify);
}

TEST_CASE("a console that `troupe dev` wrote without a scheme is http, whatever authority was named") {
  const temporary_folder data;
  data.write("credentials", "access_key = A\nsecret_key = s\nendpoint = http://h:1\nconsole = h:2\n");
  connection_flags flags;
  flags.data = data.path;
  flags.ca_file = "ca.pem";
  CHECK(resolve(flags, environment({}))->endpoint == "http://h:1");
  CHECK(resolve_console(flags, environment({}))->endpoint == "http://h:2");
  data.write("credentials", "access_key = A\nsecret_key = s\nendpoint = https://h:1\nconsole = https://h:2\n");
  CHECK(resolve(flags, environment({}))->endpoint == "https://h:1");
  CHECK(resolve_console(flags, environment({}))->endpoint == "https://h:2");
}

TEST_CASE("the Host header leaves out the scheme's own port only") {
  const auto keys = environment({{"TROUPE_ACCESS_KEY", "A"}, {"TROUPE_SECRET_KEY", "s"}});
  const auto host = [&](const std::string& endpoint) {
    connection_flags flags;
    flags.endpoint = endpoint;
    const auto c = resolve(flags, keys);
    return c ? c->host : "refused";
  };
  CHECK(host("http://h:80") == "h");
  CHECK(host("http://h:443") == "h:443");
  CHECK(host("https://h:443/") == "h");
  CHECK(host("h:9000") == "h:9000");
  CHECK(host("http://[::1]:9000") == "[::1]:9000");
  for (const auto* bad : {"ftp://h", "http://", "http://h/path", "http://u@h", "http://h?x"})
    CHECK(host(bad) == "refused");
}

TEST_CASE("a credentials file without one of the keys is refused, and the message shows no value") {
  const auto found = endpoint_credentials_in("# made by troupe dev\nsecret_key = hunter2\n", "data/credentials");
  REQUIRE_FALSE(found);
  CHECK(found.error().message.find("data/credentials") != std::string::npos);
  CHECK(found.error().message.find("access_key") != std::string::npos);
  CHECK(found.error().message.find("hunter2") == std::string::npos);
  CHECK_FALSE(endpoint_credentials_in("access_key = A\n", "f"));
  CHECK_FALSE(endpoint_credentials_in("no equals sign\n", "f"));
}

TEST_CASE("a credentials file may have comments, other names, and no endpoint") {
  const auto found = endpoint_credentials_in("# c\naccess_key = A\n\nnew_name = 1\nsecret_key = s=s\n", "f");
  REQUIRE(found);
  CHECK(found->access_key == "A");
  CHECK(found->secret_key == "s=s");
  CHECK(found->endpoint.empty());
  CHECK(read_endpoint_credentials("/nonexistent/credentials").error().code == ec::not_found);
}

TEST_CASE("the console comes from --connect, then TROUPE_CONSOLE, then the credentials file, then the default port") {
  const temporary_folder data;
  data.write("credentials", "access_key = FILE\nsecret_key = file-secret\nconsole = 127.0.0.1:7001\n");
  connection_flags flags;
  flags.data = data.path;
  CHECK(resolve_console(flags, environment({}))->endpoint == "http://127.0.0.1:7001");
  CHECK(resolve_console(flags, environment({}))->service == "troupe");
  // What a node of this machine listens on.
  CHECK(resolve_console(flags, environment({{"TROUPE_CONSOLE", "0.0.0.0:8001"}}))->endpoint == "http://127.0.0.1:8001");
  CHECK(resolve_console(flags, environment({{"TROUPE_CONSOLE", "[::]:8001"}}))->endpoint == "http://[::1]:8001");
  flags.console = "https://storage-1:9001";
  CHECK(resolve_console(flags, environment({{"TROUPE_CONSOLE", "x:1"}}))->endpoint == "https://storage-1:9001");
  const auto keys = environment({{"TROUPE_ACCESS_KEY", "ENV"}, {"TROUPE_SECRET_KEY", "env-secret"}});
  CHECK(resolve_console({}, keys)->endpoint == "http://127.0.0.1:9001");
  CHECK(resolve({}, keys)->service == "s3");
}
