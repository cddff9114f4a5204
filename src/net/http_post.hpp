// http_post: one POST over libcurl, for calls to services outside (the EC2 API). Blocks; any thread. Certificates are
// checked; redirects are not followed.
#pragma once

#include "volumes/ec2_client.hpp"

#include <chrono>

namespace troupe::net {

result<http_post_answer> http_post(
  const http_post_call&, std::chrono::milliseconds timeout = std::chrono::milliseconds{10'000});

} // namespace troupe::net
