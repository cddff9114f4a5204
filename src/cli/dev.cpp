#include "cli/dev.hpp"

#include "cli/service.hpp"
#include "roles/development_store.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace troupe::cli {
namespace {

// Clients on this machine need to trust it, and to call it by a name that is in it.
void greet_with_certificate(const https_settings& https) {
  if (!https.covers("s3")) return;
  std::printf("  certificate %s\n", https.certificate.c_str());
  std::printf("              clients need its authority: `--ca-cert FILE`, or TROUPE_CA_CERT\n\n");
}

void greet(const development_store& store, const dev_options& options, const https_settings& https) {
  auto url = store.endpoint();
  const auto& keys = store.keys();
  std::printf("Troupe serves S3 on %s\n\n", url.c_str());
  std::printf("  access key  %s\n", keys.access_key.c_str());
  std::printf("  secret key  %s\n", keys.from_environment ? "(as in TROUPE_SECRET_KEY)" : keys.secret_key.c_str());
  std::printf("  data        %s\n\n", store.path().c_str());
  greet_with_certificate(https);
  auto flags = std::string{options.data == dev_options{}.data ? "" : " --data " + options.data};
  std::printf("Try, in another terminal:\n\n");
  std::printf("  troupe storage mb%s photos\n", flags.c_str());
  std::printf("  troupe storage put%s cat.jpg photos/cat.jpg\n", flags.c_str());
  std::printf("  troupe storage ls%s photos\n", flags.c_str());
  std::printf("  troupe admin status%s\n\n", flags.c_str());
  std::printf("listening%s%s%s\n", to_word("s3", store.s3(), https).c_str(),
    to_word("console", store.console(), https).c_str(), to_words(store.fronts(), https).c_str());
  std::fflush(stdout);
}

} // namespace

int run_dev(const dev_options& options) {
  service_signals signals{options.log, on_hangup::stop};
  development_options store_options;
  store_options.path = options.data;
  store_options.nodes = options.nodes;
  store_options.encrypt = options.encrypt;
  auto s3 = parse_host_port(options.s3);
  if (!s3) return complain(fail(ec::bad_argument, "--s3: " + s3.error().message), 2);
  auto console = parse_host_port(options.console);
  if (!console) return complain(fail(ec::bad_argument, "--console: " + console.error().message), 2);
  for (std::size_t k = 0; k < front_kinds.size(); ++k) {
    const auto& kind = front_kinds[k];
    auto text = options.fronts[k];
    if (text.empty() && options.all_fronts) text = "127.0.0.1:" + std::to_string(kind.port);
    if (text.empty()) continue;
    auto where = parse_host_port(text);
    if (!where)
      return complain(fail(ec::bad_argument, std::string{"--"} + kind.name + ": " + where.error().message), 2);
    store_options.fronts.*kind.where = *where;
  }
  store_options.https = choose_https(options.https_certificate, options.https_key, process_environment());
  if (store_options.https.certificate.empty() != store_options.https.key.empty())
    return complain(fail(ec::bad_argument, "give --tls-cert and --tls-key together, or neither"), 2);
  const auto tracing = choose_tracing(options.tracing, process_environment());
  if (const auto& said = tracing.endpoint; !said.value.empty()) {
    auto endpoint = check_trace_endpoint(said.value);
    if (!endpoint) return complain(fail(ec::bad_argument, said.origin + ": " + endpoint.error().message), 2);
    store_options.observation.trace_endpoint = *endpoint;
  }
  if (const auto& said = tracing.sample; !said.value.empty()) {
    auto sample = check_trace_sample(said.value);
    if (!sample) return complain(fail(ec::bad_argument, said.origin + ": " + sample.error().message), 2);
    store_options.observation.trace_sample = *sample;
  }
  for (std::size_t k = 0; k < files_flags.size(); ++k) {
    if (options.files[k].empty()) continue;
    auto ok = set_files_key(
      store_options.files, files_flags[k].key, {.value = options.files[k], .origin = files_flags[k].name});
    if (!ok) return complain(ok.error(), 2);
  }
  store_options.s3 = *s3;
  store_options.console = *console;

  auto store = development_store::start(store_options);
  if (!store) return complain(store.error());
  greet(**store, options, store_options.https);

  signals.wait();
  auto cut = (*store)->stop(stop_grace);
  if (cut != 0) spdlog::warn("{} connections were cut after {} s of grace", cut, stop_grace.count());
  store->reset();
  spdlog::info("stopped");
  return 0;
}

} // namespace troupe::cli
