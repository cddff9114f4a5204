// surface: the S3 front door as an http::handler: routes a request, authenticates it, checks names and headers, and calls
// the handler of its operation (one file a family in this folder). docs/S3.md lists what works and what differs.
// One surface serves all io threads.
#pragma once

#include "api/http/config.hpp"
#include "api/objects/object_store.hpp"
#include "base/environment.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {
class identity_gate;
}

namespace troupe::s3 {

struct surface_config {
  const identity_gate& identity; // outlives the surface
  // The store of the io thread that runs the request.
  std::function<object_store&(http::request&)> store_of;
  wall_clock& clock;
  // Everything here belongs to one account.
  std::string owner_id = "troupe";
  std::string owner_name = "troupe";
  std::string region = "us-east-1";
  // Virtual-host style is <bucket>.<one of these>; any other host (and any address) is path style.
  std::vector<std::string> domains{"localhost", "s3.localhost"};
  // x-amz-id-2: which node answered.
  std::string host_id = "troupe";
  // Bounds what one document (DeleteObjects, CompleteMultipartUpload) may cost in memory.
  std::size_t document_bytes_max = std::size_t{4} << 20;
};

class surface {
public:
  explicit surface(surface_config config);

  // For server_config: shares the configuration, and may outlive the surface.
  http::handler handler() const;
  std::string render_error(
    const http::request*, const error&, int& status, std::string_view request_id, std::string& content_type) const;

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace troupe::s3
