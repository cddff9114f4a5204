#include "cli/credentials.hpp"

#include "roles/credentials.hpp"
#include "store/text_file.hpp"

namespace troupe::cli {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

} // namespace

result<endpoint_credentials> endpoint_credentials_in(std::string_view text, std::string_view origin) {
  const auto lines = parse_credentials(text);
  if (!lines) return fail(lines.error().code, std::string{origin} + ": " + lines.error().message);
  const auto value = [&](const char* name) {
    const auto found = lines->find(name);
    return found == lines->end() ? std::string{} : found->second;
  };
  endpoint_credentials found{.access_key = value("access_key"),
    .secret_key = value("secret_key"),
    .endpoint = value("endpoint"),
    .console = value("console")};
  if (found.access_key.empty()) return fail(ec::bad_argument, std::string{origin} + ": has no access_key");
  if (found.secret_key.empty()) return fail(ec::bad_argument, std::string{origin} + ": has no secret_key");
  return found;
}

result<endpoint_credentials> read_endpoint_credentials(const std::filesystem::path& path) {
  auto text = read_text_file(path.string(), file_bytes_max);
  if (!text) return text.error();
  return endpoint_credentials_in(*text, path.string());
}

} // namespace troupe::cli
