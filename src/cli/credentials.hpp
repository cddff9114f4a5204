// credentials: the file that `troupe dev` writes (DATA/credentials), read so that commands on the same machine need no
// flags. The file's form is roles/credentials'.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace troupe::cli {

struct endpoint_credentials {
  std::string access_key;
  std::string secret_key;
  std::string endpoint; // may be empty
  std::string console;  // may be empty
};

// `origin` names the text in error messages, which never show a value.
result<endpoint_credentials> endpoint_credentials_in(std::string_view text, std::string_view origin);

// ec::not_found when there is no such file. At most 64 KiB are read.
result<endpoint_credentials> read_endpoint_credentials(const std::filesystem::path&);

} // namespace troupe::cli
