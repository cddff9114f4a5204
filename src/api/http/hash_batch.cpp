#include "api/http/hash_batch.hpp"

#include "api/http/tokens.hpp"
#include "codec/md5_lanes.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::http {

// A coroutine that waits, without the type of its completion handler.
struct hash_batch::waiter {
  explicit waiter(bytes_view c) : content(c) {}
  virtual ~waiter() = default;
  virtual void resume(md5_digest with) = 0;
  bytes_view content;
};

namespace {

template <class Base, class Handler>
struct hash_waiter final : Base {
  hash_waiter(bytes_view c, Handler h) : Base(c), handler(std::move(h)) {}
  void resume(md5_digest with) override { std::move(handler)(with); }
  Handler handler;
};

} // namespace

hash_batch::hash_batch(asio::io_context& io) : io_(io) {}
hash_batch::~hash_batch() = default;

task<md5_digest> hash_batch::md5(bytes_view content) {
  return asio::async_initiate<const asio::use_awaitable_t<executor>, void(md5_digest)>(
    [this, content](auto resume) {
      using resume_type = std::decay_t<decltype(resume)>;
      waiting_.push_back(std::make_unique<hash_waiter<waiter, resume_type>>(content, std::move(resume)));
      if (waiting_.size() == 1) asio::post(io_, [this] { hash(); }); // behind all that is ready now
    },
    use_task);
}

void hash_batch::hash() {
  auto batch = std::exchange(waiting_, {});
  std::vector<md5_stream> streams(batch.size());
  std::vector<md5_job> jobs;
  jobs.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) jobs.push_back({&streams[i], batch[i]->content});
  md5_add(jobs);
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->resume(streams[i].finish());
}

} // namespace troupe::http
