// curl_exchange: one HTTP request and its answer over a libcurl handle: the callbacks through which bytes come and go.
// What is asked, how it is signed, and whether it is repeated is s3_client's.
#pragma once

#include "cli/s3_client.hpp"

#include <curl/curl.h>
#include <optional>

namespace troupe::cli {

struct curl_exchange {
  const s3_request& request;
  const s3_client::hooks& hooks;
  s3_response answer{};
  std::size_t header_bytes = 0;
  std::uint64_t sent = 0; // of the body
  bool sink_begun = false;
  std::optional<error> own_error{}; // of the body or the sink: not the network's doing

  // Tells the sink of the answer's head, once. False: it refused, and own_error says why.
  bool begin_sink();
};

// Sets everything for the exchange on a handle whose connection is kept. `url` is copied; `headers` and the exchange
// must live until curl_easy_perform() has returned.
void prepare(CURL*, const connection&, curl_exchange&, const std::string& url, curl_slist* headers);

} // namespace troupe::cli
