#include "cli/ca.hpp"

#include "cli/storage.hpp"
#include "codec/text.hpp"
#include "roles/cluster_config.hpp"
#include "store/text_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace troupe::cli {

namespace {

constexpr std::uint64_t pem_bytes_max = 64 * 1024;
constexpr unix_ms day_ms = 86'400'000;

struct pem_paths {
  std::string certificate;
  std::string key;
};

pem_paths paths_in(const std::string& dir, const std::string& name) {
  const auto base = (std::filesystem::path{dir} / name).string();
  return {.certificate = base + ".pem", .key = base + ".key"};
}

// An error, and what can be done about it.
int complain(const char* name, const error& e, const std::string& hint) {
  std::fprintf(stderr, "troupe: %s: %s\n", name, e.message.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  hint: %s\n", hint.c_str());
  return e.code == ec::bad_argument ? 2 : 1;
}

std::string shown_time(unix_ms t) { return format_iso8601(t).substr(0, 19) + "Z"; }

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& w : words) all += (all.empty() ? "" : ", ") + shown(w);
  return all;
}

// Keys will lie in it: it is its owner's alone.
result<> make_folder(const std::string& dir) {
  std::error_code unseen, problem;
  auto path = std::filesystem::path{dir}.lexically_normal();
  if (!path.has_filename()) path = path.parent_path(); // "ca/"
  if (std::filesystem::is_directory(path, unseen)) return {};
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), problem);
  if (!problem && ::mkdir(path.c_str(), 0700) != 0) problem.assign(errno, std::generic_category());
  if (problem) return fail(ec::io_error, "cannot make the directory " + dir + ": " + problem.message());
  return {};
}

// Both files or neither; the key first, for a certificate without its key is of no use.
result<> write_pair(const pem_paths& paths, const certificate_and_key& made) {
  std::error_code unseen;
  for (const auto* path : {&paths.key, &paths.certificate})
    if (std::filesystem::exists(std::filesystem::symlink_status(*path, unseen)))
      return fail(ec::conflict, *path + ": is already there");
  TROUPE_TRY(make_text_file(paths.key, made.key, readable_by::owner));
  auto done = make_text_file(paths.certificate, made.certificate, readable_by::everybody);
  if (!done) ::unlink(paths.key.c_str());
  return done;
}

result<certificate_and_key> read_pair(const pem_paths& paths) {
  auto certificate = read_text_file(paths.certificate, pem_bytes_max);
  if (!certificate) return certificate.error();
  auto key = read_text_file(paths.key, pem_bytes_max);
  if (!key) return key.error();
  return certificate_and_key{.certificate = *std::move(certificate), .key = *std::move(key)};
}

std::string hint_for_issue(const ca_issue_options& options, const error& e, const std::string& out) {
  switch (e.code) {
  case ec::not_found:
    return "make the authority first: `troupe ca init --dir " + options.dir + "`, or name its directory with --dir";
  case ec::conflict: return "to renew it, issue into another directory with --out, or move the old files out of " + out;
  case ec::corrupt: return "restore " + paths_in(options.dir, "ca").certificate + " and ca.key from the same backup";
  case ec::precondition_failed:
    return "make a new authority with `troupe ca init` in another directory, and new certificates for all nodes";
  default: return {};
  }
}

} // namespace

int run_ca_init(const ca_init_options& options, unix_ms now, entropy& random) {
  constexpr const char* name = "ca init";
  const auto paths = paths_in(options.dir, "ca");
  auto made = make_certificate_authority(options.days, now, random);
  if (!made) return complain(name, made.error(), {});
  if (auto ok = make_folder(options.dir); !ok) return complain(name, ok.error(), "name another one with --dir");
  if (auto ok = write_pair(paths, *made); !ok)
    return complain(name, ok.error(),
      ok.error().code == ec::conflict
        ? "nodes may trust that authority: use it, or make another one in a directory of its own with --dir"
        : "");
  std::printf("made %s  every node gets a copy\n", paths.certificate.c_str());
  std::printf("made %s  keep it safe: who has it can make nodes of the cluster\n", paths.key.c_str());
  std::printf("valid until %s\n\n", shown_time(now + options.days * day_ms).c_str());
  std::printf("Next: troupe ca issue NODE --dir %s --host NAME_OR_IP\n", options.dir.c_str());
  return 0;
}

int run_ca_issue(const ca_issue_options& options, unix_ms now, entropy& random) {
  constexpr const char* name = "ca issue";
  if (!is_node_id(options.node))
    return complain(name,
      fail(ec::bad_argument,
        "'" + shown(options.node) + "' is no node id: 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit"),
      "use the id that the node has in the cluster's configuration");
  const auto& out = options.out.empty() ? options.dir : options.out;
  const auto complain_with_hint = [&](const error& e) { return complain(name, e, hint_for_issue(options, e, out)); };
  const auto authority = read_pair(paths_in(options.dir, "ca"));
  if (!authority) return complain_with_hint(authority.error());
  auto made = issue_node_certificate(
    *authority, {.node = options.node, .hosts = options.hosts, .days = options.days}, now, random);
  if (!made) return complain_with_hint(made.error());
  const auto details = read_certificate(made->certificate);
  if (!details) return complain_with_hint(details.error());
  if (auto ok = make_folder(out); !ok) return complain(name, ok.error(), "name another one with --out");
  const auto paths = paths_in(out, options.node);
  if (auto ok = write_pair(paths, *made); !ok) return complain_with_hint(ok.error());
  std::printf("made %s  for %s\n", paths.certificate.c_str(), joined(details->hosts).c_str());
  std::printf("made %s  readable by its owner alone: the node's, once copied\n", paths.key.c_str());
  std::printf("valid until %s\n", shown_time(details->valid_until).c_str());
  return 0;
}

int run_ca_show(const std::string& file, unix_ms now) {
  constexpr const char* name = "ca show";
  const auto text = read_text_file(file, pem_bytes_max);
  if (!text) return complain(name, text.error(), "give a certificate in PEM form, such as ca/ca.pem");
  const auto details = read_certificate(*text);
  if (!details)
    return complain(name, fail(details.error().code, file + ": " + details.error().message),
      "give a certificate in PEM form, such as ca/ca.pem");
  const auto left = (details->valid_until - now) / day_ms;
  const auto state = now < details->valid_from ? std::string{"not valid yet"}
    : now >= details->valid_until              ? "expired"
                                               : std::to_string(left) + " days left";
  std::printf(
    "subject      %s%s\n", shown(details->common_name).c_str(), details->authority ? " (a certificate authority)" : "");
  std::printf("issuer       %s\n", shown(details->issuer).c_str());
  if (!details->hosts.empty()) std::printf("hosts        %s\n", joined(details->hosts).c_str());
  std::printf("valid from   %s\n", shown_time(details->valid_from).c_str());
  std::printf("valid until  %s (%s)\n", shown_time(details->valid_until).c_str(), state.c_str());
  return 0;
}

} // namespace troupe::cli
