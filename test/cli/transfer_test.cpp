#include "cli/download.hpp"
#include "cli/upload.hpp"

#include "cli/fake_s3.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>

using namespace troupe;
using namespace troupe::cli;
using troupe::test::fake_s3;
using fault = fake_s3::fault;

namespace {

std::string random_content(std::size_t bytes) {
  std::mt19937_64 random{bytes};
  std::string content(bytes, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

struct bench {
  bench() {
    char name[] = "/tmp/troupe-test-XXXXXX";
    folder = mkdtemp(name);
    where.endpoint = server.endpoint();
    where.host = where.endpoint.substr(7);
    where.access_key = where.secret_key = where.region = "x";
    where.first_back_off = std::chrono::milliseconds{1};
  }
  ~bench() { std::filesystem::remove_all(folder); }

  transfer how(std::stop_token stop = {}) {
    return {.where = where, .stop = std::move(stop), .shown = shown, .parallel = 4, .part_bytes = 0};
  }

  result<upload_report> put(const std::string& content, std::stop_token stop = {}) {
    const auto file = folder / "source";
    std::ofstream{file, std::ios::binary} << content;
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    auto report = upload_file(how(std::move(stop)), fd, content.size(), {"b", "k"}, {});
    close(fd);
    return report;
  }
  result<upload_report> put_stream(const std::string& content) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    std::jthread const writer{[&] {
      std::string_view rest{content};
      while (!rest.empty()) {
        const auto n = write(ends[1], rest.data(), rest.size());
        if (n <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(n));
      }
      close(ends[1]);
    }};
    auto report = upload_stream(how(), ends[0], {"b", "k"}, {});
    close(ends[0]);
    return report;
  }
  result<download_report> get() {
    s3_client client{where};
    const auto facts = head_object(client, {"b", "k"});
    if (!facts) return facts.error();
    auto t = how();
    t.part_bytes = 1 << 20;
    return download_file(t, {"b", "k"}, *facts, folder / "target");
  }
  std::string target() const {
    std::ifstream in{folder / "target", std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  bool nothing_left() const {
    return !std::filesystem::exists(folder / "target") && !std::filesystem::exists(folder / "target.part");
  }
  std::size_t asked(const std::string& beginning) {
    const std::lock_guard lock{server.guard};
    return static_cast<std::size_t>(
      std::ranges::count_if(server.log, [&](const std::string& line) { return line.starts_with(beginning); }));
  }

  fake_s3 server;
  std::filesystem::path folder;
  connection where;
  progress shown{"", std::nullopt, false};
};

// The fault for the first `times` requests that `applies` holds for.
auto first(int times, fault what, std::function<bool(const fake_s3::request&)> applies) {
  return [=, left = times](const fake_s3::request& r) mutable { return applies(r) && left-- > 0 ? what : fault::none; };
}
bool is_part(const fake_s3::request& r) { return r.has("partNumber"); }
bool is_get(const fake_s3::request& r) { return r.method == "GET"; }

constexpr std::size_t several_parts = (20u << 20) + 12345;
constexpr std::size_t several_ranges = (5u << 20) + 12345; // of 1 MiB, as get() asks

} // namespace

TEST_CASE("a small file is one request, a large one parts, and both arrive whole") {
  bench b;
  const auto small = random_content(5000);
  auto report = b.put(small);
  REQUIRE(report);
  CHECK(report->parts == 0);
  CHECK(b.server.log == std::vector<std::string>{"PUT /b/k"});
  CHECK(b.server.objects["/b/k"] == small);

  const auto large = random_content(several_parts);
  report = b.put(large);
  REQUIRE(report);
  CHECK(report->parts == 3);
  CHECK(report->bytes == large.size());
  CHECK(b.server.objects["/b/k"] == large);
  CHECK(b.server.full_checksum == report->crc64nvme);
  CHECK(b.server.uploads.empty());
  CHECK(b.shown.done() == small.size() + large.size());
}

TEST_CASE("an empty file and an empty stream become empty objects") {
  bench b;
  REQUIRE(b.put(""));
  CHECK(b.server.objects.at("/b/k").empty());
  b.server.objects.clear();
  REQUIRE(b.put_stream(""));
  CHECK(b.server.objects.at("/b/k").empty());
  REQUIRE(b.get());
  CHECK(b.target().empty());
  CHECK(std::filesystem::exists(b.folder / "target"));
}

TEST_CASE("a stream of unknown length arrives whole, also when it ends with a part") {
  for (const std::size_t bytes : {std::size_t{5000}, std::size_t{8u << 20}, std::size_t{16u << 20}, several_parts}) {
    bench b;
    const auto content = random_content(bytes);
    const auto report = b.put_stream(content);
    INFO(bytes << " bytes");
    REQUIRE(report);
    CHECK(report->bytes == bytes);
    CHECK((b.server.objects["/b/k"] == content));
    CHECK(b.server.uploads.empty());
  }
}

TEST_CASE("requests that fail for a while are repeated, and progress counts each byte once") {
  for (const auto what : {fault::slow_down, fault::internal_error, fault::drop, fault::drop_after_acting}) {
    bench b;
    b.server.inject = first(3, what, is_part);
    const auto content = random_content(several_parts);
    INFO("fault " << static_cast<int>(what));
    REQUIRE(b.put(content));
    CHECK((b.server.objects["/b/k"] == content));
    CHECK(b.asked("PUT") == 3 + 3);
    CHECK(b.shown.done() == content.size());
  }
}

TEST_CASE("after three repeats an upload gives up, says why, and is aborted") {
  bench b;
  b.server.inject = first(1000, fault::slow_down,
    [](const fake_s3::request& r) { return r.has("partNumber") && *r.target.q("partNumber") == "2"; });
  const auto report = b.put(random_content(several_parts));
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::slow_down);
  CHECK(report.error().message == "SlowDown: said the fake (request id r1)");
  CHECK(b.asked("PUT /b/k?partNumber=2") == 4);
  CHECK(b.asked("DELETE") == 1);
  CHECK(b.server.uploads.empty());
  CHECK(b.server.objects.empty());
}

TEST_CASE("an answer that is final is not repeated") {
  bench b;
  const auto facts = b.get();
  REQUIRE_FALSE(facts);
  CHECK(facts.error().code == ec::no_such_key);
  CHECK(b.asked("HEAD") == 1);
}

TEST_CASE("starting an upload is repeated only when it was refused") {
  const auto starts = [](const fake_s3::request& r) { return r.has("uploads"); };
  bench refused;
  refused.server.inject = first(1, fault::slow_down, starts);
  CHECK(refused.put(random_content(several_parts)));
  bench unknown;
  unknown.server.inject = first(1, fault::drop_after_acting, starts);
  CHECK_FALSE(unknown.put(random_content(several_parts)));
  CHECK(unknown.asked("POST") == 1);
}

TEST_CASE("an interrupted upload is aborted") {
  bench b;
  std::stop_source stop;
  b.server.before = [&](const fake_s3::request& r) {
    if (is_part(r)) stop.request_stop();
  };
  const auto report = b.put(random_content(several_parts), stop.get_token());
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::closed);
  CHECK(b.asked("DELETE") == 1);
  CHECK(b.server.uploads.empty());
  CHECK(b.server.objects.empty());
}

TEST_CASE("a download in ranges arrives whole and is checked by its checksum") {
  bench b;
  b.server.objects["/b/k"] = random_content(several_ranges);
  const auto report = b.get();
  REQUIRE(report);
  CHECK(report->checked_by == "CRC64NVME");
  CHECK((b.target() == b.server.objects["/b/k"]));
  CHECK(b.asked("GET") == 6);
  CHECK_FALSE(std::filesystem::exists(b.folder / "target.part"));
}

TEST_CASE("a download whose connections break is taken up where it stopped") {
  bench b;
  b.server.objects["/b/k"] = random_content(several_ranges);
  b.server.inject = first(3, fault::cut_body, is_get);
  REQUIRE(b.get());
  CHECK((b.target() == b.server.objects["/b/k"]));
  CHECK(b.asked("GET") == 6 + 3);
}

TEST_CASE("content that was damaged on its way never appears under the final name") {
  bench b;
  b.server.objects["/b/k"] = random_content(several_ranges);
  b.server.inject = first(1, fault::flip_a_byte, is_get);
  const auto report = b.get();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::corrupt);
  CHECK(b.nothing_left());
}

TEST_CASE("an object that is overwritten during its download is an error, not a mix") {
  bench b;
  b.server.objects["/b/k"] = random_content(several_ranges);
  int gets = 0;
  b.server.before = [&](const fake_s3::request& r) {
    if (is_get(r) && ++gets == 5) b.server.objects["/b/k"] = std::string(several_ranges, 'x');
  };
  const auto report = b.get();
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ec::precondition_failed);
  CHECK(b.nothing_left());
}

TEST_CASE("a failed download leaves the file that was there before") {
  bench b;
  std::ofstream{b.folder / "target"} << "before";
  b.server.objects["/b/k"] = random_content(several_ranges);
  b.server.inject = first(1000, fault::internal_error, is_get);
  CHECK_FALSE(b.get());
  CHECK(b.target() == "before");
  CHECK_FALSE(std::filesystem::exists(b.folder / "target.part"));
}

TEST_CASE("a download into a stream is in order, taken up after a break, and checked") {
  bench b;
  const auto content = random_content(300'000);
  b.server.objects["/b/k"] = content;
  b.server.inject = first(2, fault::cut_body, is_get);
  s3_client client{b.where};
  const auto facts = head_object(client, {"b", "k"});
  REQUIRE(facts);
  const auto file = b.folder / "out";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const auto report = download_stream(b.how(), {"b", "k"}, *facts, fd);
  close(fd);
  REQUIRE(report);
  std::ifstream in{file, std::ios::binary};
  CHECK((std::string{std::istreambuf_iterator<char>{in}, {}} == content));
}

TEST_CASE("two downloads of one file do not mix") {
  bench b;
  b.server.objects["/b/k"] = random_content(several_ranges);
  std::optional<result<download_report>> second;
  std::once_flag once;
  b.server.before = nullptr;
  s3_client client{b.where};
  const auto facts = head_object(client, {"b", "k"});
  REQUIRE(facts);
  auto t = b.how();
  progress watching{"", std::nullopt, false};
  // While the first has its part file, a second on the same name is refused.
  b.server.before = [&](const fake_s3::request& r) {
    if (!is_get(r)) return;
    std::call_once(once, [&] { second = download_file(t, {"b", "k"}, *facts, b.folder / "target"); });
  };
  REQUIRE(b.get());
  REQUIRE(second);
  REQUIRE_FALSE(*second);
  CHECK(second->error().code == ec::conflict);
  CHECK((b.target() == b.server.objects["/b/k"]));
}
