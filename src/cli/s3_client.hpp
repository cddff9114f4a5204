// s3_client: signed S3 requests over libcurl, one at a time on a kept-alive connection, with bounded retries.
// Knows HTTP, SigV4 and S3's error documents; what the operations mean is s3_calls'. Path-style addresses only.
// Not thread-safe: a transfer makes one for each of its threads.
#pragma once

#include "base/bytes.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "cli/connection.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::cli {

using name_values = std::vector<std::pair<std::string, std::string>>;

struct s3_response {
  int status = 0;
  name_values headers;                                             // names in lower case
  std::string body;                                                // empty when a sink took it
  std::string_view header(std::string_view lower_case_name) const; // empty when absent
};

// A request body that can be read again from any place, because a retry starts over.
class request_body {
public:
  virtual ~request_body() = default;
  virtual std::uint64_t size() const = 0;
  // Fills dst from `offset`; fewer bytes than asked for only at the end.
  virtual result<std::size_t> read(std::uint64_t offset, bytes_span dst) = 0;
};

// Takes the body of a 2xx answer as it comes. An error from either ends the call with that error.
class response_sink {
public:
  virtual ~response_sink() = default;
  virtual result<> begin(const s3_response& head) = 0;
  virtual result<> write(bytes_view) = 0;
};

// What may be repeated when it is not known whether the server acted on it.
enum class repeat { always, when_refused }; // when_refused: only after a failed connect, or an answer of 503

struct s3_request {
  std::string_view method = "GET";
  std::string bucket{};
  std::string key{};
  name_values query{};
  name_values headers{};         // x-amz-* and the like; Host, date and signature are added
  std::string_view text{};       // a small body
  request_body* body = nullptr;  // or a large one; must outlive the call
  response_sink* sink = nullptr; // absent: the body is collected, up to 16 MiB. Not repeated once the sink has begun
  repeat again = repeat::always;
};

class s3_client {
public:
  struct hooks {
    std::stop_token stop{};
    const wall_clock* clock = &system_clock_source(); // for signatures
    std::function<void(std::uint64_t)> sent{};        // bytes of request bodies given to the kernel
    std::function<void(std::uint64_t)> sent_back{};   // bytes counted as sent that a retry sends again
    std::function<void()> tick{};                     // about once a second, also while nothing moves
  };

  s3_client(const connection&, hooks);
  explicit s3_client(const connection& c) : s3_client(c, hooks{}) {}
  ~s3_client();
  s3_client(const s3_client&) = delete;
  s3_client& operator=(const s3_client&) = delete;

  // The answer when its status is 2xx. Else an error whose message is "S3Code: message (request id ...)" for an
  // answer of the server, or says what the network did. `closed` when stopped.
  result<s3_response> call(const s3_request&);

  // A URL that anyone may use for `seconds`. No request is sent.
  result<std::string> presign(
    std::string_view method, std::string_view bucket, std::string_view key, std::uint32_t seconds) const;

  const connection& where() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

// Waits before attempt number `attempt` (from 0) is repeated, give or take a fifth. False when stopped meanwhile.
bool back_off(const connection&, unsigned attempt, const std::stop_token&);

} // namespace troupe::cli
