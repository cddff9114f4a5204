#include "roles/data_directory.hpp"

#include "roles/credentials.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace troupe;
namespace fs = std::filesystem;

namespace {

struct temporary_directory {
  temporary_directory() {
    char pattern[] = "/tmp/troupe-test-XXXXXX";
    path = ::mkdtemp(pattern);
  }
  ~temporary_directory() { fs::remove_all(path); }
  std::string path;
};

struct no_keys_in_environment {
  no_keys_in_environment() {
    ::unsetenv("TROUPE_ACCESS_KEY");
    ::unsetenv("TROUPE_SECRET_KEY");
  }
};

} // namespace

TEST_CASE("a data directory is held by one process at a time") {
  temporary_directory t;
  {
    auto first = data_directory::open(t.path + "/data", 5, system_entropy());
    REQUIRE(first.has_value());
    auto second = data_directory::open(t.path + "/data", 5, system_entropy());
    REQUIRE(second.has_error());
    CHECK(second.error().code == ec::conflict);
    CHECK(second.error().message.find("--data") != std::string::npos);
  }
  CHECK(data_directory::open(t.path + "/data", 5, system_entropy()).has_value());
}

TEST_CASE("a store keeps its identity, may grow, and is never started with fewer nodes") {
  temporary_directory t;
  std::string id;
  {
    auto d = data_directory::open(t.path, 5, system_entropy());
    REQUIRE(d.has_value());
    id = d->cluster_id();
    CHECK(id.size() == 32);
    CHECK(d->nodes_before() == 0);
  }
  {
    auto fewer = data_directory::open(t.path, 3, system_entropy());
    REQUIRE(fewer.has_error());
    CHECK(fewer.error().code == ec::bad_argument);
    CHECK(fewer.error().message.find("--nodes 5") != std::string::npos);
  }
  auto more = data_directory::open(t.path, 6, system_entropy());
  REQUIRE(more.has_value());
  CHECK(more->cluster_id() == id);
  CHECK(more->nodes_before() == 5);
}

TEST_CASE("a store without its metadata, or with an unreadable identity, is refused and not begun anew") {
  temporary_directory t;
  REQUIRE(data_directory::open(t.path, 5, system_entropy()).has_value());
  fs::remove_all(t.path + "/metadata");
  auto d = data_directory::open(t.path, 5, system_entropy());
  REQUIRE(d.has_error());
  CHECK(d.error().code == ec::corrupt);
  fs::create_directory(t.path + "/metadata");
  std::ofstream{t.path + "/cluster"} << "id = 12\n";
  auto unreadable = data_directory::open(t.path, 5, system_entropy());
  REQUIRE(unreadable.has_error());
  CHECK(unreadable.error().code == ec::corrupt);
}

TEST_CASE("keys are made once, kept with mode 0600, and differ between stores") {
  no_keys_in_environment none;
  temporary_directory a, b;
  auto first = load_or_make_credentials(a.path, system_entropy());
  REQUIRE(first.has_value());
  CHECK(first->access_key.size() == 20);
  CHECK(first->secret_key.size() == 40);
  struct ::stat s {};
  REQUIRE(::stat((a.path + "/credentials").c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0600);
  REQUIRE(write_addresses(a.path, "http://127.0.0.1:1234", "127.0.0.1:1235").has_value());
  auto again = load_or_make_credentials(a.path, system_entropy());
  REQUIRE(again.has_value());
  CHECK(again->secret_key == first->secret_key);
  auto other = load_or_make_credentials(b.path, system_entropy());
  REQUIRE(other.has_value());
  CHECK(other->secret_key != first->secret_key);
}

TEST_CASE("keys come from the environment when both are there, and half a pair is refused") {
  no_keys_in_environment none;
  temporary_directory t;
  ::setenv("TROUPE_ACCESS_KEY", "someone", 1);
  CHECK(load_or_make_credentials(t.path, system_entropy()).has_error());
  ::setenv("TROUPE_SECRET_KEY", "something-secret", 1);
  auto keys = load_or_make_credentials(t.path, system_entropy());
  REQUIRE(keys.has_value());
  CHECK(keys->access_key == "someone");
  CHECK(keys->from_environment);
  CHECK_FALSE(fs::exists(t.path + "/credentials"));
  ::unsetenv("TROUPE_ACCESS_KEY");
  ::unsetenv("TROUPE_SECRET_KEY");
}
