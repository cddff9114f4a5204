#include "cli/connection.hpp"

#include "cli/credentials.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace troupe::cli {

namespace {

constexpr const char* endpoint_default = "127.0.0.1:9000";
constexpr const char* console_default = "127.0.0.1:9001";
constexpr const char* region_default = "us-east-1";
constexpr const char* data_default = "./data";

result<> set_endpoint(connection& c, std::string endpoint) {
  const bool over_tls = !c.ca_file.empty() || c.skip_verify;
  if (endpoint.find("://") == std::string::npos) endpoint.insert(0, over_tls ? "https://" : "http://");
  const auto scheme_end = endpoint.find("://");
  const auto scheme = endpoint.substr(0, scheme_end);
  auto host = endpoint.substr(scheme_end + 3);
  while (host.ends_with('/')) host.pop_back();
  if ((scheme != "http" && scheme != "https") || host.empty() || host.find_first_of("/?#@ \t\r\n") != std::string::npos)
    return fail(
      ec::bad_argument, "the endpoint '" + endpoint + "' is not of the form http://HOST:PORT or https://HOST:PORT");
  c.endpoint = scheme + "://" + host;
  // Clients leave the scheme's own port out of the Host header, and the header is signed.
  std::string_view const own_port = scheme == "http" ? ":80" : ":443";
  c.host = host.ends_with(own_port) ? host.substr(0, host.size() - own_port.size()) : host;
  return {};
}

// Sets both keys from one place. Nothing: they did not come from a credentials file.
result<std::optional<endpoint_credentials>> set_keys(
  connection& c, const connection_flags& flags, const environment_lookup& environment) {
  const auto variable_access = environment("TROUPE_ACCESS_KEY");
  const auto variable_secret = environment("TROUPE_SECRET_KEY");
  if (!flags.access_key.empty() || !flags.secret_key.empty()) {
    c.access_key = flags.access_key;
    c.secret_key = flags.secret_key;
    // The secret may stay out of the process list: an access key by flag, its secret in the environment.
    if (c.secret_key.empty() && variable_secret && (!variable_access || *variable_access == c.access_key))
      c.secret_key = *variable_secret;
    if (c.access_key.empty() || c.secret_key.empty())
      return fail(ec::bad_argument, "give --access-key and --secret-key together");
    return std::nullopt;
  }
  if (variable_access || variable_secret) {
    if (!variable_access || !variable_secret)
      return fail(ec::bad_argument, "set TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY together");
    c.access_key = *variable_access;
    c.secret_key = *variable_secret;
    return std::nullopt;
  }
  const auto path = std::filesystem::path{flags.data.empty() ? data_default : flags.data} / "credentials";
  auto found = read_endpoint_credentials(path);
  if (!found && found.error().code == ec::not_found)
    return fail(ec::bad_argument,
      "no access key: give --access-key and --secret-key, set TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, or name the "
      "folder of "
      "`troupe dev` with --data (there is no " +
        path.string() + ")");
  if (!found) return found.error();
  c.access_key = found->access_key;
  c.secret_key = found->secret_key;
  return std::optional{std::move(*found)};
}

connection begin_connection(const connection_flags& flags, const environment_lookup& environment) {
  connection c;
  c.region = !flags.region.empty() ? flags.region : environment("TROUPE_REGION").value_or(region_default);
  c.ca_file = !flags.ca_file.empty() ? flags.ca_file : environment("TROUPE_CA_CERT").value_or("");
  c.skip_verify = flags.skip_verify;
  return c;
}

// TROUPE_CONSOLE may say where a node of this machine listens: on all its addresses.
std::string on_this_machine(std::string address) {
  for (auto [all, loopback] : {std::pair{"0.0.0.0:", "127.0.0.1:"}, std::pair{"[::]:", "[::1]:"}})
    if (address.starts_with(all)) return loopback + address.substr(std::string_view{all}.size());
  return address;
}

// What `troupe dev` wrote: without a scheme it means http, whatever else was said.
std::string with_scheme(std::string address) {
  return address.empty() || address.find("://") != std::string::npos ? address : "http://" + address;
}

} // namespace

environment_lookup process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const auto* value = std::getenv(name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string{value};
  };
}

result<connection> resolve(const connection_flags& flags, const environment_lookup& environment) {
  auto c = begin_connection(flags, environment);
  auto endpoint = !flags.endpoint.empty() ? flags.endpoint : environment("TROUPE_ENDPOINT").value_or("");
  auto file = set_keys(c, flags, environment);
  if (!file) return file.error();
  if (endpoint.empty() && *file) endpoint = (*file)->endpoint;
  TROUPE_TRY(set_endpoint(c, endpoint.empty() ? endpoint_default : endpoint));
  return c;
}

result<connection> resolve_console(const connection_flags& flags, const environment_lookup& environment) {
  auto c = begin_connection(flags, environment);
  c.service = "troupe";
  auto console = flags.console;
  if (console.empty()) console = on_this_machine(environment("TROUPE_CONSOLE").value_or(""));
  auto file = set_keys(c, flags, environment);
  if (!file) return file.error();
  if (console.empty() && *file) console = with_scheme((*file)->console);
  TROUPE_TRY(set_endpoint(c, console.empty() ? console_default : console));
  return c;
}

void warn_if_unverified(const connection& where) {
  if (!where.skip_verify || !where.endpoint.starts_with("https://")) return;
  std::fprintf(stderr,
    "troupe: WARNING: --insecure-skip-verify: nobody knows whether %s is who it says: whoever is in between can read "
    "and "
    "change everything\n",
    where.endpoint.c_str());
}

} // namespace troupe::cli
