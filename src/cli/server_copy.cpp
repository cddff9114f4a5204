#include "cli/server_copy.hpp"

#include "cli/part_plan.hpp"
#include "cli/s3_failure.hpp"
#include "cli/transfer.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace troupe::cli {

namespace {

constexpr std::uint64_t copy_part_bytes = 512 * mib;
constexpr unsigned copies_at_once = 4;

result<copy_report> copy_in_parts(const connection& where, const std::stop_token& stop, const object_name& from,
  const object_name& to, const object_facts& facts) {
  const auto plan = plan_parts(facts.size, copy_part_bytes);
  if (!plan) return plan.error();
  s3_client client{where, {.stop = stop}};
  const auto upload_id = start_upload(client, to, facts.attributes, false);
  if (!upload_id) return upload_id.error();
  progress nothing_shown{"", std::nullopt, false};
  const transfer t{.where = where, .stop = stop, .shown = nothing_shown, .parallel = copies_at_once};
  std::atomic<unsigned> next = 0;
  std::mutex recording;
  std::vector<finished_part> parts;
  auto done = run_together(t, copies_at_once, false, [&](s3_client& c, const std::stop_token& stopped) -> result<> {
    while (!stopped.stop_requested()) {
      const auto index = next.fetch_add(1);
      if (index >= plan->parts) break;
      auto part = copy_part(c, from, {.object = to, .upload_id = *upload_id, .number = index + 1},
        {.first = plan->offset(index), .bytes = plan->size(index)}, facts.etag);
      if (!part) return part.error();
      std::lock_guard const lock{recording};
      parts.push_back(*std::move(part));
    }
    return {};
  });
  std::ranges::sort(parts, {}, &finished_part::number);
  auto etag = done ? finish_upload(client, to, *upload_id, parts, {}) : result<std::string>{done.error()};
  if (etag) return copy_report{.bytes = facts.size, .etag = *std::move(etag)};
  s3_client aborter{where}; // without the stop token: an interrupted copy must be aborted too
  auto problem = etag.error();
  if (auto aborted = abort_upload(aborter, to, *upload_id); !aborted && aborted.error().code != ec::no_such_upload)
    problem.message +=
      "; and the unfinished upload " + *upload_id + " could not be removed: " + aborted.error().message;
  return problem;
}

} // namespace

result<copy_report> server_copy(
  const connection& where, const std::stop_token& stop, const object_name& from, const object_name& to) {
  s3_client client{where, {.stop = stop}};
  const auto facts = head_object(client, from);
  if (!facts) return facts.error();
  if (facts->size > single_copy_bytes_max) return copy_in_parts(where, stop, from, to, *facts);
  auto etag = copy_object(client, from, to, facts->etag);
  if (!etag) return etag.error();
  return copy_report{.bytes = facts->size, .etag = *std::move(etag)};
}

result<std::uint64_t> remove_prefix(s3_client& client, const object_name& prefix) {
  std::uint64_t removed = 0;
  auto done =
    for_each_page(client, {.bucket = prefix.bucket, .prefix = prefix.key}, [&](object_page& page) -> result<> {
      std::vector<std::string> keys;
      for (auto& object : page.objects) keys.push_back(std::move(object.key));
      if (keys.empty()) return {};
      const auto refused = remove_objects(client, prefix.bucket, keys);
      if (!refused) return refused.error();
      removed += keys.size() - std::min(keys.size(), refused->size());
      if (refused->empty()) return {};
      const auto& first = refused->front();
      return fail(code_named(first.fault.code),
        std::to_string(refused->size()) + " objects were not removed; the first, " + first.key + ": " +
          first.fault.code + ": " + first.fault.message);
    });
  if (done) return removed;
  auto problem = done.error();
  if (removed != 0) problem.message += " (" + std::to_string(removed) + " objects were removed before)";
  return problem;
}

} // namespace troupe::cli
