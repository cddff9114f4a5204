// hash_batch: the MD5s of small bodies on one io thread, side by side. Small PUTs come in swarms: what a wake-up of the io
// thread brings is hashed together once all of it was read, in the lanes of codec/md5_lanes.hpp, which is several times
// cheaper than one after the other. Large bodies go to HASHER. Used on its io thread only.
#pragma once

#include "api/http/asio.hpp"
#include "base/bytes.hpp"
#include "codec/digest.hpp"

#include <memory>
#include <vector>

namespace troupe::http {

class hash_batch {
public:
  explicit hash_batch(asio::io_context& io);
  ~hash_batch();
  hash_batch(const hash_batch&) = delete;
  hash_batch& operator=(const hash_batch&) = delete;

  // `content` stays where it is until the answer, which comes when what the io thread has at hand now was looked at.
  task<md5_digest> md5(bytes_view content);

private:
  struct waiter;
  void hash();

  asio::io_context& io_;
  std::vector<std::unique_ptr<waiter>> waiting_; // at most one a connection
};

} // namespace troupe::http
