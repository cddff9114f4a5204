// development_store: what `troupe dev` runs: a local_store over a data directory of its own, which also keeps its keys and
// says where it can be reached.
#pragma once

#include "base/error.hpp"
#include "roles/credentials.hpp"
#include "roles/data_directory.hpp"
#include "roles/local_store.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace troupe {

struct development_options {
  std::string path = "./data";
  host_port s3{"127.0.0.1", 9000};
  host_port console{"127.0.0.1", 9001};
  front_addresses fronts;
  https_settings https;
  files_config files;
  unsigned nodes = 5;   // 1..64
  bool encrypt = false; // content at rest, with the data directory's master key
  observation_settings observation;
};

class development_store {
public:
  // Serves when this returns. The error's message is for a person.
  static result<std::unique_ptr<development_store>> start(const development_options&);

  const std::string& path() const { return data_.path(); }
  const credentials& keys() const { return keys_; }
  host_port s3() const { return store_->s3(); }
  host_port console() const { return store_->console(); }
  front_addresses fronts() const { return store_->fronts(); }
  std::string endpoint() const; // "http://127.0.0.1:9000", or https://

  // Returns how many connections were cut after `grace`.
  std::size_t stop(std::chrono::milliseconds grace) { return store_->stop(grace); }

private:
  development_store(data_directory d, credentials k, https_settings h, std::unique_ptr<local_store> s)
      : data_(std::move(d)), keys_(std::move(k)), https_(std::move(h)), store_(std::move(s)) {}

  data_directory data_; // held as long as the store lives
  credentials keys_;
  https_settings https_;
  std::unique_ptr<local_store> store_;
};

} // namespace troupe
