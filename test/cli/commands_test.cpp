#include "cli/commands.hpp"
#include "cli/fake_s3.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <unistd.h>
#include <vector>

using namespace troupe;
using namespace troupe::cli;

namespace {

// One of the process's output streams, into a file while this lives.
class captured {
public:
  captured(std::FILE* stream, int fd) : stream_(stream), fd_(fd), before_(dup(fd)), file_(std::tmpfile()) {
    std::fflush(stream_);
    dup2(fileno(file_), fd_);
  }
  std::string end() {
    std::fflush(stream_);
    dup2(before_, fd_);
    close(before_);
    std::string text(static_cast<std::size_t>(lseek(fileno(file_), 0, SEEK_END)), '\0');
    const auto n = pread(fileno(file_), text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    std::fclose(file_);
    return text;
  }

private:
  std::FILE* stream_;
  int fd_;
  int before_;
  std::FILE* file_;
};

struct outcome {
  int code = -1;
  std::string out, err;
};

outcome troupe_with(std::vector<std::string> arguments) {
  std::vector<const char*> argv{"troupe"};
  for (const auto& a : arguments) argv.push_back(a.c_str());
  captured out{stdout, STDOUT_FILENO}, err{stderr, STDERR_FILENO};
  outcome o;
  o.code = run(static_cast<int>(argv.size()), argv.data());
  o.err = err.end();
  o.out = out.end();
  return o;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace

TEST_CASE("help is complete for every subcommand, with examples, and succeeds") {
  const std::vector<std::vector<std::string>> topics{{}, {"dev"}, {"storage"}, {"bench"}, {"storage", "mb"},
    {"storage", "rb"}, {"storage", "ls"}, {"storage", "put"}, {"storage", "get"}, {"storage", "cat"}, {"storage", "rm"},
    {"storage", "cp"}, {"storage", "stat"}, {"storage", "presign"}, {"ca"}, {"ca", "init"}, {"ca", "issue"},
    {"ca", "show"}};
  for (const auto& topic : topics) {
    const auto by_flag = troupe_with(topic + std::vector<std::string>{"--help"});
    INFO((topic.empty() ? "troupe" : topic.back()));
    CHECK(by_flag.code == 0);
    CHECK(by_flag.err.empty());
    CHECK(by_flag.out.find("Examples:\n") != std::string::npos);
    CHECK(by_flag.out.ends_with('\n'));
    const auto by_name = troupe_with(std::vector<std::string>{"help"} + topic);
    CHECK(by_name.code == 0);
    CHECK(by_name.out == by_flag.out);
  }
}

TEST_CASE("the version is printed on its own") {
  const auto o = troupe_with({"--version"});
  CHECK(o.code == 0);
  CHECK(o.out.starts_with("troupe 0."));
}

TEST_CASE("a wrong command line ends with 2 and says what is wrong and where help is") {
  const std::vector<std::vector<std::string>> lines{{"nope"}, {"--nope"}, {"dev", "--nodes", "0"},
    {"dev", "--nodes", "many"}, {"storage", "nope"}, {"storage", "put"}, {"storage", "put", "file"},
    {"storage", "ls", "a", "b"}, {"storage", "presign", "b/k", "--expires", "604801"},
    {"storage", "presign", "b/k", "--method", "PATCH"}, {"bench", "fly"}, {"bench", "--concurrency", "0"},
    {"bench", "--signed-payload", "--unsigned-payload"}, {"storage", "get", "b/k", "--parallel", "65"},
    {"help", "nope"}, {"ca", "nope"}, {"ca", "init", "--days", "0"}, {"ca", "issue"}, {"ca", "show"}};
  for (const auto& line : lines) {
    const auto o = troupe_with(line);
    INFO(line.back());
    CHECK(o.code == 2);
    CHECK(o.err.starts_with("troupe: "));
    CHECK(o.err.find("hint: `troupe") != std::string::npos);
    CHECK(o.out.empty());
  }
}

TEST_CASE("a subcommand that needs another prints its help and ends with 2") {
  for (const std::vector<std::string>& line :
    {std::vector<std::string>{}, std::vector<std::string>{"storage"}, std::vector<std::string>{"ca"}}) {
    const auto o = troupe_with(line);
    CHECK(o.code == 2);
    CHECK(o.err.find("Usage: ") != std::string::npos);
    CHECK(o.out.empty());
  }
}

TEST_CASE("a bad name or value is a wrong command line, found before anything is sent") {
  const std::vector<std::string> keys{"--endpoint", "http://127.0.0.1:1", "--access-key", "a", "--secret-key", "b"};
  const std::vector<std::vector<std::string>> lines{{"storage", "rm", "bucket-only"}, {"storage", "mb", "b/k"},
    {"storage", "put", "-", "b"}, {"storage", "put", "/dev/null", "b/k", "--metadata", "x"},
    {"storage", "put", "/dev/null", "b/k", "--metadata", "a b=c"},
    {"storage", "put", "/dev/null", "b/k", "--part-size", "1MiB"}, {"storage", "put", "/tmp", "b/k"},
    {"storage", "get", "b/dir/.."}, {"bench", "put", "--size", "huge"}, {"bench", "put", "--duration", "0"}};
  for (const auto& line : lines) {
    const auto o = troupe_with(line + keys);
    INFO(line.back() << ": " << o.err);
    CHECK(o.code == 2);
    CHECK(o.err.starts_with("troupe: "));
  }
}

TEST_CASE("a command names what failed, on what, and what to do") {
  test::fake_s3 server;
  const std::vector<std::string> where{"--endpoint", server.endpoint(), "--access-key", "a", "--secret-key", "b"};
  const auto o = troupe_with(std::vector<std::string>{"storage", "cat", "b/missing"} + where);
  CHECK(o.code == 1);
  CHECK(o.out.empty());
  CHECK(o.err ==
    "troupe: cat b/missing: NoSuchKey: said the fake (request id r1)\n  hint: see what there is with `troupe storage "
    "ls BUCKET/PREFIX`\n");
}

TEST_CASE("results are lines for people, or JSON") {
  test::fake_s3 server;
  server.objects["/b/k"] = "content\n";
  const std::vector<std::string> where{"--endpoint", server.endpoint(), "--access-key", "a", "--secret-key", "b"};
  const auto cat = troupe_with(std::vector<std::string>{"storage", "cat", "b/k"} + where);
  CHECK(cat.code == 0);
  CHECK(cat.out == "content\n");
  CHECK(cat.err.empty());
  const auto json = troupe_with(std::vector<std::string>{"storage", "stat", "s3://b/k", "--json"} + where);
  CHECK(json.code == 0);
  CHECK(json.out.starts_with(R"({"bucket":"b","key":"k","size":8,"etag":")"));
  const auto url = troupe_with(std::vector<std::string>{"storage", "presign", "b/k", "--expires", "60"} + where);
  CHECK(url.code == 0);
  CHECK(url.out.starts_with(server.endpoint() + "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256"));
}
