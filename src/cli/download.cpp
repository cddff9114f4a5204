#include "cli/download.hpp"

#include "cli/content_check.hpp"
#include "cli/part_file.hpp"
#include "cli/part_plan.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

namespace troupe::cli {

namespace {

constexpr std::uint64_t range_bytes_default = 16 * mib;
constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr int stop_check_ms = 200;

using byte_taker = std::function<result<>(std::uint64_t offset, bytes_view)>;

// Takes one answer for [at, end) and moves `at` on, so that the next attempt asks for the rest.
class range_sink final : public response_sink {
public:
  range_sink(std::uint64_t first, std::uint64_t end, std::uint64_t object_bytes, const byte_taker& take)
      : at_(first), end_(end), object_bytes_(object_bytes), take_(take) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t end() const { return end_; }
  bool whole() const { return at_ == 0 && end_ == object_bytes_; }

  result<> begin(const s3_response& head) override {
    if (whole() && head.status == 200) return {};
    const auto wanted =
      "bytes " + std::to_string(at_) + "-" + std::to_string(end_ - 1) + "/" + std::to_string(object_bytes_);
    if (head.status == 206 && head.header("content-range") == wanted) return {};
    return fail(ec::corrupt,
      "asked for " + wanted + ", the server answered " + std::to_string(head.status) + " '" +
        std::string{head.header("content-range")} + "'");
  }
  result<> write(bytes_view bytes) override {
    if (bytes.size() > end_ - at_) return fail(ec::corrupt, "the server sent more than was asked for");
    TROUPE_TRY(take_(at_, bytes));
    at_ += bytes.size();
    return {};
  }

private:
  std::uint64_t at_, end_, object_bytes_;
  const byte_taker& take_;
};

bool worth_resuming(const error& e) {
  return e.code == ec::unavailable || e.code == ec::timeout || e.code == ec::slow_down;
}

result<> fetch(
  s3_client& client, const object_name& name, const std::string& etag, range_sink& sink, const std::stop_token& stop) {
  for (unsigned attempt = 0;;) {
    const auto before = sink.at();
    s3_request request{.bucket = name.bucket, .key = name.key, .sink = &sink};
    if (!etag.empty()) request.headers.emplace_back("if-match", '"' + etag + '"');
    if (!sink.whole())
      request.headers.emplace_back(
        "range", "bytes=" + std::to_string(sink.at()) + "-" + std::to_string(sink.end() - 1));
    auto answer = client.call(request);
    if (answer && sink.at() == sink.end()) return {};
    auto problem = answer
      ? fail(ec::unavailable, "the server's answer ended " + std::to_string(sink.end() - sink.at()) + " bytes early")
      : answer.error();
    // The client has repeated what can be repeated; only an answer that began is for us to take up again.
    if (sink.at() == before || !worth_resuming(problem) || attempt++ == client.where().retries) return problem;
    if (!back_off(client.where(), attempt, stop)) return fail(ec::closed, "interrupted");
  }
}

result<> check_file(const part_file& file, std::uint64_t bytes, content_check& check, const std::stop_token& stop) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(block_bytes);
  for (std::uint64_t at = 0; at < bytes;) {
    if (stop.stop_requested()) return fail(ec::closed, "interrupted");
    const auto n = file.read_at(at, {buffer.get(), block_bytes});
    if (!n) return n.error();
    if (*n == 0) break; // too short: the check says so
    check.add({buffer.get(), *n});
    at += *n;
  }
  return check.finish();
}

result<> write_stream(int fd, bytes_view bytes, const std::stop_token& stop) {
  while (!bytes.empty()) {
    if (stop.stop_requested()) return fail(ec::closed, "interrupted");
    pollfd waiting{fd, POLLOUT, 0};
    const auto ready = poll(&waiting, 1, stop_check_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    // At most what a pipe holds: a longer write would block past an interrupt.
    const auto n = write(fd, bytes.data(), std::min<std::size_t>(bytes.size(), 4096 * 16));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return fail(ec::io_error, std::string{"cannot write the output: "} + std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

} // namespace

result<download_report> download_file(
  const transfer& t, const object_name& name, const object_facts& facts, const std::filesystem::path& path) {
  auto file = part_file::create(path, facts.size);
  if (!file) return file.error();
  const byte_taker take = [&](std::uint64_t offset, bytes_view bytes) -> result<> {
    TROUPE_TRY(file->write_at(offset, bytes));
    t.shown.add(bytes.size());
    return {};
  };
  const auto range = t.part_bytes == 0 ? range_bytes_default : t.part_bytes;
  const auto ranges = std::max<std::uint64_t>(1, (facts.size + range - 1) / range);
  std::atomic<std::uint64_t> next = 0;
  const auto threads = static_cast<unsigned>(std::min<std::uint64_t>(t.parallel, ranges));
  auto fetched = run_together(t, threads, false, [&](s3_client& client, const std::stop_token& stop) -> result<> {
    while (!stop.stop_requested()) {
      const auto index = next.fetch_add(1);
      if (index >= ranges) break;
      const auto first = index * range;
      range_sink sink{first, std::min(first + range, facts.size), facts.size, take};
      TROUPE_TRY(fetch(client, name, facts.etag, sink, stop));
    }
    return {};
  });
  TROUPE_TRY(fetched);
  content_check check{facts};
  TROUPE_TRY(check_file(*file, facts.size, check, t.stop));
  TROUPE_TRY(file->commit());
  return download_report{.bytes = facts.size, .etag = facts.etag, .checked_by = std::string{check.by()}};
}

result<download_report> download_stream(const transfer& t, const object_name& name, const object_facts& facts, int fd) {
  content_check check{facts};
  const byte_taker take = [&](std::uint64_t, bytes_view bytes) -> result<> {
    TROUPE_TRY(write_stream(fd, bytes, t.stop));
    check.add(bytes);
    t.shown.add(bytes.size());
    return {};
  };
  s3_client client{t.where, silent_hooks(t, t.stop)};
  range_sink sink{0, facts.size, facts.size, take};
  TROUPE_TRY(fetch(client, name, facts.etag, sink, t.stop));
  TROUPE_TRY(check.finish());
  return download_report{.bytes = facts.size, .etag = facts.etag, .checked_by = std::string{check.by()}};
}

} // namespace troupe::cli
