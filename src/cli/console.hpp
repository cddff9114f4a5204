// console: `troupe console`: the commands of `troupe admin` and `troupe storage` at a prompt, with line editing, history and
// completion (libedit). What a line does is what the same words do after `troupe admin`.
#pragma once

#include <string>
#include <vector>

namespace troupe::cli {

struct console_options {
  std::string connect;               // HOST:PORT of a node's console; empty: as `troupe admin` finds it
  std::string ca_file;               // of authorities; empty: as `troupe admin` finds them
  std::vector<std::string> commands; // run these and end; none: at a prompt
};

// The exit code: 0, or that of the last command of -c that failed.
int run_console(const console_options&);

} // namespace troupe::cli
