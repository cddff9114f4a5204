// main: `troupe`, the one binary. What it can do is in cli/commands.
#include "cli/commands.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  try {
    return troupe::cli::run(argc, argv);
  } catch (const std::exception& e) { // out of memory, or a bug: never a silent abort
    std::fprintf(stderr, "troupe: %s\n", e.what());
    return 1;
  }
}
