#include "roles/trace_exporter.hpp"

#include "net/http_post.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {
namespace {

constexpr int batches_at_the_end = 8;

} // namespace

struct trace_exporter::impl {
  impl(std::shared_ptr<tracer> t, trace_exporter_options o) : spans(std::move(t)), options(std::move(o)) {
    if (!options.post)
      options.post = [timeout = options.timeout](const http_post_call& c) { return net::http_post(c, timeout); };
  }
  void run();
  bool send(const std::vector<span>&);
  bool ended(std::chrono::milliseconds within);

  const std::shared_ptr<tracer> spans;
  trace_exporter_options options;
  bool failed = false; // the last request
  std::mutex mutex;
  std::condition_variable ends;
  bool stopping = false;
  std::thread thread;
};

bool trace_exporter::impl::send(const std::vector<span>& batch) {
  auto answer = options.post({.url = options.endpoint,
    .headers = {{"Content-Type", "application/json"}},
    .body = otlp_json(options.who, batch)});
  const bool taken = answer && answer->status >= 200 && answer->status < 300;
  spans->delivered(batch.size(), taken);
  if (!taken && !failed)
    spdlog::warn("spans are lost: the collector {}",
      answer ? "at " + options.endpoint + " answered " + std::to_string(answer->status)
             : "can not be reached: " + answer.error().message);
  if (taken && failed) spdlog::info("the collector at {} takes spans again", options.endpoint);
  failed = !taken;
  return taken;
}

// Whether the end came within that time.
bool trace_exporter::impl::ended(std::chrono::milliseconds within) {
  std::unique_lock lock{mutex};
  return ends.wait_for(lock, within, [&] { return stopping; });
}

void trace_exporter::impl::run() {
  std::chrono::milliseconds pause{0};
  while (!ended(pause)) {
    auto batch = spans->take(options.batch_max, options.interval);
    if (batch.empty()) continue;
    pause = send(batch) ? std::chrono::milliseconds{0} : std::clamp(pause * 2, options.pause_first, options.pause_max);
  }
  for (int i = 0; i < batches_at_the_end && !failed; ++i) {
    auto batch = spans->take(options.batch_max, std::chrono::milliseconds{0});
    if (batch.empty()) return;
    send(batch);
  }
}

trace_exporter::trace_exporter(std::shared_ptr<tracer> t, trace_exporter_options o)
    : impl_(std::make_unique<impl>(std::move(t), std::move(o))) {
  impl_->thread = std::thread{[i = impl_.get()] { i->run(); }};
}

trace_exporter::~trace_exporter() {
  {
    std::lock_guard lock{impl_->mutex};
    impl_->stopping = true;
  }
  impl_->ends.notify_all();
  impl_->spans->wake();
  impl_->thread.join();
}

} // namespace troupe
