#include "roles/audit_log.hpp"

#include "support/print_result.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace troupe;
namespace fs = std::filesystem;

namespace {

class set_clock final : public wall_clock {
public:
  unix_ms now() const override { return 1'792'569'600'250; }
};

struct folder {
  folder() : path(fs::temp_directory_path() / ("troupe-audit-" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~folder() { fs::remove_all(path); }
  fs::path path;
};

http::access_record put(std::string_view target = "/bkt/key", int status = 200) {
  return {.id = "0123456789ABCDEF",
    .remote = "10.0.0.7",
    .method = "PUT",
    .target = target,
    .host = "h:9000",
    .user_agent = "agent",
    .operation = "PutObject",
    .principal = "user:alice",
    .action = "write",
    .status = status};
}

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

} // namespace

TEST_CASE("an audit line says who did what, from where, and how it went") {
  const auto line = audit_line(put(), set_clock{}.now());
  CHECK(line.ends_with("}\n"));
  const auto o = boost::json::parse(line).as_object();
  CHECK(o.at("time") == "2026-10-21T08:00:00.250Z");
  CHECK(o.at("principal") == "user:alice");
  CHECK(o.at("method") == "PUT");
  CHECK(o.at("operation") == "PutObject");
  CHECK(o.at("action") == "write");
  CHECK(o.at("resource") == "/bkt/key");
  CHECK(o.at("remote") == "10.0.0.7");
  CHECK(o.at("status") == 200);
  CHECK(o.at("outcome") == "done");
  CHECK(o.at("request_id") == "0123456789ABCDEF");
  auto named = put("/put?key=k");
  named.resource = "/.directory/k%3F";
  CHECK(boost::json::parse(audit_line(named, 0)).at("resource") == "/.directory/k%3F");
  CHECK(boost::json::parse(audit_line(put("/", 403), 0)).at("outcome") == "denied");
  CHECK(boost::json::parse(audit_line(put("/", 499), 0)).at("outcome") == "unknown");
  CHECK(boost::json::parse(audit_line(put("/", 500), 0)).at("outcome") == "failed");
}

TEST_CASE("a call of gRPC is written down by what it is allowed by, or because it was refused") {
  const auto call = [](std::string_view action, int status) {
    auto r = put("/.shards/17/k", status);
    r.method = "RPC";
    r.action = action;
    return r;
  };
  for (const auto* changing : {"write", "delete", "admin"}) CHECK(is_audited(call(changing, 200), false));
  for (const auto* looking : {"read", "list"}) {
    CHECK_FALSE(is_audited(call(looking, 200), false));
    CHECK(is_audited(call(looking, 403), false));
    CHECK(is_audited(call(looking, 401), false));
    CHECK(is_audited(call(looking, 200), true));
  }
}

TEST_CASE("no query is in an audit line, and nothing that breaks it") {
  const auto line = audit_line(put("/bkt/key?X-Amz-Signature=abcdef0123&value=secret"), 0);
  CHECK(line.find("abcdef") == std::string::npos);
  CHECK(line.find("secret") == std::string::npos);
  const auto odd = audit_line(put("/bkt/\"\x01\xff\n{"), 0);
  CHECK(boost::json::parse(odd).at("resource") == "/bkt/\"%01%FF%0A{");
  CHECK(odd.find('\n') == odd.size() - 1);
}

TEST_CASE("what changes something and what is refused is written down, reads when that is asked for") {
  auto get = put();
  get.method = "GET";
  get.action = "read";
  CHECK_FALSE(is_audited(get, false));
  CHECK(is_audited(get, true));
  get.status = 403;
  CHECK(is_audited(get, false));
  get.status = 200;
  get.action = "write"; // by a front door whose writes are GETs
  CHECK(is_audited(get, false));
  CHECK(is_audited(put(), false));
  auto probe = put();
  probe.operation = "Probe";
  CHECK_FALSE(is_audited(probe, true));
}

TEST_CASE("the audit log appends, rotates by size and keeps so many files") {
  const folder here;
  const auto file = here.path / "audit.log";
  const set_clock clock;
  audit_settings s;
  s.file = file.string();
  s.keep = 2;
  s.bytes_max = 1000; // about four lines
  for (int round = 0; round < 3; ++round) {
    auto log = audit_log::open(s, clock).value();
    for (int i = 0; i < 8; ++i) log->add(put());
    log.reset(); // writes what waits
    CHECK(fs::exists(file));
  }
  CHECK(fs::exists(here.path / "audit.log.1"));
  CHECK_FALSE(fs::exists(here.path / "audit.log.3"));
  CHECK((fs::status(file).permissions() & fs::perms::others_all) == fs::perms::none);
  std::size_t lines = 0;
  for (const auto& entry : fs::directory_iterator{here.path}) {
    std::istringstream in{text_of(entry.path())};
    for (std::string line; std::getline(in, line); ++lines) CHECK_NOTHROW(boost::json::parse(line));
  }
  CHECK(lines > 0);
}

TEST_CASE("lines that come faster than they are written are lost and counted, or waited for") {
  const folder here;
  const set_clock clock;
  audit_settings s;
  s.file = (here.path / "audit.log").string();
  s.block = true;
  constexpr int many = 20'000; // more than wait at a time
  {
    auto log = audit_log::open(s, clock).value();
    for (int i = 0; i < many; ++i) log->add(put());
    CHECK(log->lost() == 0);
  }
  const auto text = text_of(s.file);
  CHECK(std::count(text.begin(), text.end(), '\n') == many);
}

TEST_CASE("an audit log that can not be opened says so at the start") {
  const folder here;
  audit_settings s;
  s.file = (here.path / "none" / "audit.log").string();
  const set_clock clock;
  const auto log = audit_log::open(s, clock);
  REQUIRE_FALSE(log);
  CHECK(log.error().message.find(s.file) != std::string::npos);
}
