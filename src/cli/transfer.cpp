#include "cli/transfer.hpp"

#include <mutex>
#include <thread>
#include <vector>

namespace troupe::cli {

s3_client::hooks counting_hooks(const transfer& t, std::stop_token stop) {
  return {.stop = std::move(stop),
    .sent = [&shown = t.shown](std::uint64_t n) { shown.add(n); },
    .sent_back = [&shown = t.shown](std::uint64_t n) { shown.take_back(n); },
    .tick = [&shown = t.shown] { shown.tick(); }};
}

s3_client::hooks silent_hooks(const transfer& t, std::stop_token stop) {
  return {.stop = std::move(stop), .sent = {}, .sent_back = {}, .tick = [&shown = t.shown] { shown.tick(); }};
}

result<> run_together(const transfer& t, unsigned threads, bool count_sent,
  const std::function<result<>(s3_client&, const std::stop_token&)>& work) {
  std::stop_source together;
  std::stop_callback const outer{t.stop, [&together] { together.request_stop(); }};
  std::mutex guard;
  std::optional<error> first;
  const auto run = [&] {
    s3_client client{
      t.where, count_sent ? counting_hooks(t, together.get_token()) : silent_hooks(t, together.get_token())};
    if (auto done = work(client, together.get_token()); !done) {
      std::lock_guard const lock{guard};
      // Those that were stopped because of the first error only say so.
      if (!first) first = done.error();
      together.request_stop();
    }
  };
  {
    std::vector<std::jthread> crew;
    for (unsigned i = 1; i < threads; ++i) crew.emplace_back(run);
    run();
  }
  if (t.stop.stop_requested()) return fail(ec::closed, "interrupted");
  if (first) return *std::move(first);
  return {};
}

} // namespace troupe::cli
