#include "roles/observation.hpp"

#include "store/text_file.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

constexpr std::size_t token_bytes_max = 4096, token_bytes_min = 16;

result<std::string> read_token(const std::string& path) {
  auto text = read_text_file(path, token_bytes_max);
  if (!text) return fail(text.error().code, "metrics.token_file: " + text.error().message);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' ')) text->pop_back();
  const bool plain = std::ranges::all_of(*text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (text->size() < token_bytes_min || !plain)
    return fail(ec::bad_argument,
      "metrics.token_file: " + path + ": expected one line of at least " + std::to_string(token_bytes_min) +
        " printable characters without blanks, such as `openssl rand -hex 32` makes");
  return text;
}

} // namespace

result<std::string> check_trace_endpoint(const std::string& text) {
  if (text == "off") return std::string{};
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme) && text.size() > scheme.size() && text[scheme.size()] != '/' &&
      text.find_first_of(" @#") == std::string::npos)
      return text;
  return fail(ec::bad_argument, "expected off, or the address of a collector such as http://127.0.0.1:4318/v1/traces");
}

result<double> check_trace_sample(const std::string& text) {
  double value = -1;
  const auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (text.empty() || e != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1))
    return fail(ec::bad_argument, "expected a number from 0 to 1");
  return value;
}

result<std::unique_ptr<observation>> observation::start(const observation_settings& s, const std::string& instance) {
  std::unique_ptr<observation> o{new observation};
  if (!s.metrics_token_file.empty()) {
    auto token = read_token(s.metrics_token_file);
    if (!token) return token.error();
    o->token_ = std::move(*token);
  }
  if (!s.trace_endpoint.empty()) {
    tracer_options t;
    t.sample = s.trace_sample;
    t.clock = &system_clock_source();
    t.time = &system_monotonic_clock();
    t.random = &system_entropy();
    o->tracing_ = std::make_shared<tracer>(t);
    trace_exporter_options e;
    e.endpoint = s.trace_endpoint;
    e.who.instance = instance;
    o->exporter_ = std::make_unique<trace_exporter>(o->tracing_, std::move(e));
  }
  return o;
}

void observation::watch_certificate(const char* purpose, std::function<unix_ms()> end) {
  certificate_ends_.emplace_back(purpose, std::move(end));
}

metrics::process_sources observation::sources(std::shared_ptr<const process_controls> controls) const {
  return {.controls = std::move(controls),
    .syncs = {{"pieces", piece_syncs_}, {"metadata", metadata_syncs_}},
    .volumes = {},
    .tracing = tracing_,
    .certificate_ends = certificate_ends_};
}

} // namespace troupe
