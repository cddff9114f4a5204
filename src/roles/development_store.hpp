// development_store: what `troupe dev` runs: all three roles in this process, with a data directory of its own and several
// storage nodes inside. Who spawns whom, in which order, and how it all ends: development_store.cpp.
#pragma once

#include "base/error.hpp"
#include "roles/coordinator.hpp"
#include "roles/credentials.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

struct development_options {
  std::string path = "./data";
  host_port s3{"127.0.0.1", 9000};
  host_port console{"127.0.0.1", 9001};
  front_addresses fronts;
  unsigned nodes = 5; // 1..64
};

class development_store {
public:
  // Serves when this returns. The error's message is for a person.
  static result<std::unique_ptr<development_store>> start(const development_options&);
  ~development_store(); // stop() first, for a graceful one

  const std::string& path() const;
  const credentials& keys() const;
  host_port s3() const;
  host_port console() const;
  front_addresses fronts() const;
  std::string endpoint() const; // "http://127.0.0.1:9000"

  // Returns how many connections were cut after `grace`.
  std::size_t stop(std::chrono::milliseconds grace);

private:
  struct impl;
  explicit development_store(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
