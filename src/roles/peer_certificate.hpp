// peer_certificate: until when the other nodes talk to this one: the end of the certificate that it shows them, and of the
// authority that issued it. A thread reads their files now and then, as new connections do, so that what was replaced is
// known without a restart. It says in the log when an end is near or has passed, or when the files can not be read.
#pragma once

#include "base/environment.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

struct peer_certificate_options {
  std::string certificate, ca;                // PEM files
  std::chrono::milliseconds interval{10'000}; // between looks
};

class peer_certificate {
public:
  // Files that can not be read are a line in the log, not an error: whoever opens the channel refuses them.
  peer_certificate(peer_certificate_options, const wall_clock&);
  ~peer_certificate(); // ends the thread

  // For metrics, also after this object: the end as it was read last. 0: it was never read.
  std::function<unix_ms()> end_of_own() const;
  std::function<unix_ms()> end_of_authority() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
