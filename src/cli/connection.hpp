// connection: which S3 endpoint or console, as whom. Each value comes from a flag, else the environment, else the file that
// `troupe dev` wrote, else a default. The two keys always come from one place: half of one pair and half of another never mix.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace troupe::cli {

struct connection {
  std::string endpoint; // scheme://host[:port], no slash at the end
  std::string host;     // the Host header: host[:port]
  std::string access_key;
  std::string secret_key;
  std::string region;
  std::string service = "s3"; // what requests are signed for
  std::string ca_file;        // whom to believe about https; empty: the system's authorities
  bool skip_verify = false;   // believe anybody
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{60}; // less than a byte a second for so long
  unsigned retries = 3;
  std::chrono::milliseconds first_back_off{200}; // doubles with each retry, up to 5 s
};

// What was given on the command line; empty: not given.
struct connection_flags {
  std::string endpoint;
  std::string console; // of `troupe admin`, instead of endpoint
  std::string access_key;
  std::string secret_key;
  std::string region;
  std::string data; // folder with the credentials file
  std::string ca_file;
  bool skip_verify = false;
};

// Looks up an environment variable.
using environment_lookup = std::function<std::optional<std::string>(const char*)>;
environment_lookup process_environment();

// An address without a scheme is https when a certificate authority was named (--ca-cert, TROUPE_CA_CERT) or verification
// switched off, else http.
result<connection> resolve(const connection_flags&, const environment_lookup&);
// The console instead of the S3 endpoint: --connect, TROUPE_CONSOLE, the credentials file's, 127.0.0.1:9001.
result<connection> resolve_console(const connection_flags&, const environment_lookup&);
// Says on standard error, every time, that nobody knows who answers; nothing when certificates are verified.
void warn_if_unverified(const connection&);

} // namespace troupe::cli
