#include "roles/credentials.hpp"

#include "codec/random_text.hpp"
#include "store/disk.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace troupe {
namespace {

constexpr const char* file_name = "credentials";
constexpr std::uint64_t file_bytes_max = 64 * 1024;
constexpr std::size_t access_key_chars = 20; // as AWS's
constexpr std::size_t secret_key_chars = 40; // 40 of 62 letters: 238 bits

result<std::map<std::string, std::string>> read(const std::string& directory) {
  auto disk = make_posix_disk(directory);
  auto there = disk->exists(file_name);
  if (!there) return there.error();
  if (!*there) return std::map<std::string, std::string>{};
  auto text = read_file(*disk, file_name, file_bytes_max);
  if (!text) return text.error();
  auto values = parse_credentials(*text);
  if (!values) return fail(values.error().code, directory + "/" + file_name + ": " + values.error().message);
  return values;
}

result<> write(const std::string& directory, const std::map<std::string, std::string>& values) {
  std::string text = "# Made by troupe dev. Whoever reads this file can read and write the store.\n";
  for (const auto& [name, value] : values) text += name + " = " + value + "\n";
  auto disk = make_posix_disk(directory);
  auto old_mask = ::umask(0077); // never readable by others, not even for a moment
  auto done = replace_file(*disk, file_name, as_bytes(text));
  ::umask(old_mask);
  if (!done) return done;
  if (auto path = directory + "/" + file_name; ::chmod(path.c_str(), 0600) != 0)
    return fail(ec::io_error, "chmod 0600 " + path + ": " + std::strerror(errno));
  return {};
}

} // namespace

result<std::map<std::string, std::string>> parse_credentials(std::string_view text) {
  std::map<std::string, std::string> values;
  auto trim = [](std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
    return s;
  };
  for (int number = 1; !text.empty(); ++number) {
    auto end = text.find('\n');
    auto line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    auto equals = line.find('=');
    if (equals == std::string_view::npos)
      return fail(ec::bad_argument, "line " + std::to_string(number) + ": expected `name = value`");
    values[std::string{trim(line.substr(0, equals))}] = std::string{trim(line.substr(equals + 1))};
  }
  return values;
}

result<credentials> load_or_make_credentials(const std::string& directory, entropy& random) {
  const char* access = std::getenv("TROUPE_ACCESS_KEY");
  const char* secret = std::getenv("TROUPE_SECRET_KEY");
  if ((access == nullptr) != (secret == nullptr))
    return fail(ec::bad_argument, "set both TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, or neither");
  if (access != nullptr) {
    if (std::strlen(access) < 3 || std::strlen(secret) < 8)
      return fail(ec::bad_argument, "TROUPE_ACCESS_KEY needs at least 3 characters and TROUPE_SECRET_KEY at least 8");
    return credentials{.access_key = access, .secret_key = secret, .from_environment = true};
  }
  auto values = read(directory);
  if (!values) return values.error();
  auto& v = *values;
  if (v["access_key"].empty() != v["secret_key"].empty())
    return fail(
      ec::bad_argument, directory + "/" + file_name + " has one key of two; restore it, or remove it to get new keys");
  if (v["access_key"].empty()) {
    v["access_key"] = random_text(random, capitals_and_digits, access_key_chars);
    v["secret_key"] = random_text(random, letters_and_digits, secret_key_chars);
    TROUPE_TRY(write(directory, v));
  }
  return credentials{.access_key = v["access_key"], .secret_key = v["secret_key"]};
}

result<> write_addresses(const std::string& directory, const std::string& url, const std::string& console) {
  auto values = read(directory);
  if (!values) return values.error();
  auto& v = *values;
  if (v["endpoint"] == url && v["console"] == console) return {};
  v["endpoint"] = url;
  v["console"] = console;
  return write(directory, v);
}

} // namespace troupe
