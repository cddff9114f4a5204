// dev: `troupe dev`, a whole cluster in one process for one machine. Only the entry; dev.cpp says what is started.
#pragma once

#include "cli/cluster_flags.hpp"
#include "cli/service.hpp"
#include "roles/front_addresses.hpp"

#include <array>
#include <string>

namespace troupe::cli {

// What a configuration file says below storage.files, as flags; each also as TROUPE_FILES_... in the environment.
struct files_flag {
  const char *name, *variable, *key, *description, *shown_default, *type;
};
inline constexpr std::array files_flags{
  files_flag{"--files-wal-segment", "TROUPE_FILES_WAL_SEGMENT", "files.wal_segment",
    "Bytes of a segment of the files' log, 4KiB to 4MiB", "1MiB", "SIZE"},
  files_flag{"--files-wal-segments-kept", "TROUPE_FILES_WAL_SEGMENTS_KEPT", "files.wal_segments_kept",
    "How many closed ones are kept, 1 to 256", "16", "N"},
  files_flag{"--files-cache", "TROUPE_FILES_CACHE", "files.cache", "Memory for files that were read lately; 0: none",
    "64MiB", "SIZE"},
  files_flag{"--files-verify-interval", "TROUPE_FILES_VERIFY_INTERVAL", "files.verify_interval",
    "How often the files' log is held against the files, 1s to 720h", "1h", "DURATION"},
};

struct dev_options {
  std::string data = "./data";            // made when absent; holds one folder a node and the credentials file
  std::string s3 = "127.0.0.1:9000";      // HOST:PORT of the S3 endpoint
  std::string console = "127.0.0.1:9001"; // HOST:PORT of the web console
  std::array<std::string, front_kinds.size()> fronts; // HOST:PORT of each; empty: switched off
  bool all_fronts = false;                            // those too, on their ports by custom
  std::array<std::string, files_flags.size()> files;  // empty: not given
  unsigned nodes = 5;
  bool encrypt = false;
  std::string https_certificate, https_key; // PEM files; empty: plain HTTP
  trace_flags tracing;
  log_options log;
};

// Serves until SIGINT, SIGTERM or SIGHUP. Returns the process's exit code: 0, or 1 with a message already on stderr.
int run_dev(const dev_options&);

} // namespace troupe::cli
