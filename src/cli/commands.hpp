// commands: the command line of `troupe`: which subcommands there are, their options and help, and exit codes:
// 0 done, 1 failed (stderr says what, on what, and what to do), 2 the command line is wrong, 128 + n ended by signal n.
#pragma once

#include "cli/connection.hpp"

#include <functional>

namespace CLI {
class App;
}

namespace troupe::cli {

// What a subcommand leaves behind when the command line names it: the work to do once all of it has been parsed.
using command = std::function<int()>;

// Each adds its subcommand to the app; `chosen` is set when the user chose it.
void add_dev(CLI::App&, command& chosen);
void add_serve(CLI::App&, command& chosen);
void add_console(CLI::App&, command& chosen);
void add_storage(CLI::App&, command& chosen);
void add_bench(CLI::App&, command& chosen);
void add_ca(CLI::App&, command& chosen);
void add_admin(CLI::App&, command& chosen);
void add_recover(CLI::App&, command& chosen);

// --endpoint, and the credential options. `flags` must live as long as the app.
void add_connection_options(CLI::App&, connection_flags& flags);
// --access-key, --secret-key, --region, --data, --ca-cert, --insecure-skip-verify.
void add_credential_options(CLI::App&, connection_flags& flags);

// Parses and runs; returns the exit code.
int run(int argc, const char* const* argv);

} // namespace troupe::cli
