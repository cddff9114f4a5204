// local_process: what `troupe serve` runs in mode local: every node of a configuration's list in this process.
#pragma once

#include "base/error.hpp"
#include "roles/cluster_config.hpp"
#include "roles/local_directories.hpp"
#include "roles/local_store.hpp"

#include <chrono>
#include <memory>

namespace troupe {

class local_process {
public:
  // Serves when this returns. The error's message is for a person.
  static result<std::unique_ptr<local_process>> start(const cluster_config&);

  host_port s3() const { return store_->s3(); }
  host_port console() const { return store_->console(); }
  front_addresses fronts() const { return store_->fronts(); }
  // Returns how many connections were cut after `grace`.
  std::size_t stop(std::chrono::milliseconds grace) { return store_->stop(grace); }

private:
  local_process(local_directories d, std::unique_ptr<local_store> s)
      : directories_(std::move(d)), store_(std::move(s)) {}

  local_directories directories_; // held as long as the store lives
  std::unique_ptr<local_store> store_;
};

} // namespace troupe
