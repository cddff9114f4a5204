#include "cli/upload.hpp"

#include "cli/part_plan.hpp"
#include "cli/request_bodies.hpp"
#include "codec/checksum.hpp"

#include <algorithm>
#include <mutex>

namespace troupe::cli {

namespace {

struct numbered_body {
  unsigned number = 1;
  std::unique_ptr<request_body> body;
};

// Gives out the parts in order; called under a lock. Nothing: there are no more.
using part_source = std::function<result<std::optional<numbered_body>>(const std::stop_token&)>;

struct sent_part {
  finished_part part;
  std::uint64_t crc = 0;
  std::uint64_t bytes = 0;
};

result<upload_report> put_whole(
  const transfer& t, request_body& body, const object_name& name, const object_attributes& attributes) {
  const auto crc = crc64nvme_of(body);
  if (!crc) return crc.error();
  s3_client client{t.where, counting_hooks(t, t.stop)};
  const auto sum = crc64nvme_text(*crc);
  auto etag = put_object(client, name, body, attributes, sum);
  if (!etag) return etag.error();
  return upload_report{.bytes = body.size(), .parts = 0, .etag = *std::move(etag), .crc64nvme = sum};
}

result<std::vector<sent_part>> send_parts(
  const transfer& t, const object_name& name, const std::string& upload_id, const part_source& source) {
  std::mutex taking, recording;
  std::vector<sent_part> sent;
  auto done = run_together(t, t.parallel, true, [&](s3_client& client, const std::stop_token& stop) -> result<> {
    while (!stop.stop_requested()) {
      std::unique_lock lock{taking};
      auto next = source(stop);
      lock.unlock();
      if (!next) return next.error();
      if (!*next) return {};
      auto& [number, body] = **next;
      const auto crc = crc64nvme_of(*body);
      if (!crc) return crc.error();
      auto part =
        put_part(client, {.object = name, .upload_id = upload_id, .number = number}, *body, crc64nvme_text(*crc));
      if (!part) return part.error();
      std::lock_guard const recorded{recording};
      sent.push_back({.part = *std::move(part), .crc = *crc, .bytes = body->size()});
    }
    return {};
  });
  if (!done) return done.error();
  std::ranges::sort(sent, {}, [](const sent_part& s) { return s.part.number; });
  return sent;
}

result<upload_report> finish(
  const transfer& t, const object_name& name, const std::string& upload_id, const std::vector<sent_part>& sent) {
  upload_report report{.parts = static_cast<unsigned>(sent.size())};
  std::vector<finished_part> parts;
  std::uint64_t crc = 0;
  for (const auto& s : sent) {
    parts.push_back(s.part);
    crc = crc64nvme_combine(crc, s.crc, s.bytes);
    report.bytes += s.bytes;
  }
  report.crc64nvme = crc64nvme_text(crc);
  s3_client client{t.where, silent_hooks(t, t.stop)};
  auto etag = finish_upload(client, name, upload_id, parts, report.crc64nvme);
  if (!etag) return etag.error();
  report.etag = *std::move(etag);
  return report;
}

result<upload_report> put_parts(
  const transfer& t, const object_name& name, const object_attributes& attributes, const part_source& source) {
  s3_client client{t.where, silent_hooks(t, t.stop)};
  const auto upload_id = start_upload(client, name, attributes, true);
  if (!upload_id) return upload_id.error();
  auto sent = send_parts(t, name, *upload_id, source);
  auto report = sent ? finish(t, name, *upload_id, *sent) : result<upload_report>{sent.error()};
  if (report) return report;
  // Without the stop token: an interrupted upload is exactly what must be aborted.
  s3_client aborter{t.where};
  auto problem = report.error();
  if (auto aborted = abort_upload(aborter, name, *upload_id); !aborted && aborted.error().code != ec::no_such_upload)
    problem.message +=
      "; and the unfinished upload " + *upload_id + " could not be removed: " + aborted.error().message;
  return problem;
}

} // namespace

result<upload_report> upload_file(
  const transfer& t, int fd, std::uint64_t bytes, const object_name& name, const object_attributes& attributes) {
  if (bytes <= single_put_bytes_max) {
    file_range whole{fd, 0, bytes};
    return put_whole(t, whole, name, attributes);
  }
  const auto plan = plan_parts(bytes, t.part_bytes == 0 ? part_bytes_default : t.part_bytes);
  if (!plan) return plan.error();
  unsigned index = 0;
  return put_parts(t, name, attributes, [&](const std::stop_token&) -> result<std::optional<numbered_body>> {
    if (index == plan->parts) return std::optional<numbered_body>{};
    auto body = std::make_unique<file_range>(fd, plan->offset(index), plan->size(index));
    return numbered_body{.number = ++index, .body = std::move(body)};
  });
}

result<upload_report> upload_stream(
  const transfer& t, int fd, const object_name& name, const object_attributes& attributes) {
  const auto first_bytes = t.part_bytes == 0 ? part_bytes_default : t.part_bytes;
  unsigned index = 0;
  bool ended = false;
  const auto read_part = [&](const std::stop_token& stop) -> result<std::unique_ptr<memory_body>> {
    const auto room = static_cast<std::size_t>(stream_part_bytes(index, first_bytes));
    auto buffer = std::make_unique_for_overwrite<std::byte[]>(room);
    const auto n = read_stream(fd, {buffer.get(), room}, stop);
    if (!n) return n.error();
    ended = *n < room;
    return std::make_unique<memory_body>(std::move(buffer), *n);
  };
  auto first = read_part(t.stop);
  if (!first) return first.error();
  if (ended) return put_whole(t, **first, name, attributes);
  return put_parts(t, name, attributes, [&](const std::stop_token& stop) -> result<std::optional<numbered_body>> {
    if (index == 0) return numbered_body{.number = ++index, .body = *std::move(first)};
    if (ended) return std::optional<numbered_body>{};
    if (index == parts_max)
      return fail(ec::too_large, "the input is longer than 10,000 parts can hold: give a larger --part-size");
    auto part = read_part(stop);
    if (!part) return part.error();
    if ((*part)->size() == 0) return std::optional<numbered_body>{};
    return numbered_body{.number = ++index, .body = *std::move(part)};
  });
}

} // namespace troupe::cli
