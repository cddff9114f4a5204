// worker: one io thread: its io_context, a coarse clock, and what its connections share. Everything but context()
// is for that thread only.
#pragma once

#include "api/http/asio.hpp"
#include "api/http/hash_batch.hpp"
#include "api/http/page_pool.hpp"
#include "base/environment.hpp"

#include <atomic>
#include <string>
#include <string_view>

namespace troupe::http {

struct connection_state;

class worker {
public:
  worker(unsigned index, wall_clock& clock, entropy& random);
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  unsigned index() const { return index_; }
  asio::io_context& context() { return context_; }
  hash_batch& hashes() { return hashes_; }
  unix_ms now_unix_ms() const { return clock_.now(); }
  // Monotonic, refreshed at the start of each request and by each sweep: good for deadlines, not for measuring.
  steady::time_point now() const { return now_; }

  // What the front doors hang on an io thread (their actor bridge, budgets, ...). Set before the server starts.
  void* user = nullptr;

  // For the server and its connections:
  void tick();
  std::string_view date() const { return date_; } // of the Date field, as of the last tick
  std::string new_request_id();
  void link(connection_state& c);
  void unlink(connection_state& c);
  connection_state* first_connection() const { return first_; }

  std::atomic<std::size_t> connections{0}; // read by the acceptor, to deal to the least loaded
  bool draining = false;
  page_pool pages;

private:
  unsigned index_;
  wall_clock& clock_;
  steady::time_point now_ = steady::now();
  unix_ms date_second_ = -1;
  std::string date_;
  std::uint64_t id_state_ = 0;
  connection_state* first_ = nullptr;
  asio::io_context context_{1}; // it takes suspended coroutines with it, which still use the rest
  hash_batch hashes_{context_};
};

} // namespace troupe::http
