#include "roles/peer_certificate.hpp"

#include "codec/certificate.hpp"
#include "codec/text.hpp"
#include "core/expiry_notice.hpp"
#include "roles/regular_look.hpp"
#include "store/text_file.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <optional>

namespace troupe {
namespace {

constexpr unix_ms renewal_ahead = unix_ms{30} * 86'400'000;
constexpr std::uint64_t peer_pem_bytes_max = std::uint64_t{256} << 10;

struct shared_ends {
  std::atomic<unix_ms> own{0}, authority{0};
};

result<certificate_ends> read_ends(const peer_certificate_options& o) {
  auto own = read_text_file(o.certificate, peer_pem_bytes_max);
  if (!own) return own.error();
  auto authorities = read_text_file(o.ca, peer_pem_bytes_max);
  if (!authorities) return authorities.error();
  auto ends = ends_of_certificates(*own, *authorities);
  if (!ends) return fail(ends.error().code, o.certificate + ", " + o.ca + ": " + ends.error().message);
  return ends;
}

// `what`: with its file. `todo`: what an operator does about it.
void say(expiry_notice::word word, const std::string& what, unix_ms end, const char* todo) {
  const auto day = format_iso8601(end).substr(0, 10);
  if (word == expiry_notice::word::past)
    spdlog::error("tls: {} has expired ({}): other nodes refuse this one. {}", what, day, todo);
  else if (word == expiry_notice::word::near)
    spdlog::warn("tls: {} expires on {}, and other nodes refuse this one then. {}", what, day, todo);
  else if (word == expiry_notice::word::valid)
    spdlog::info("tls: {} is valid until {}", what, day);
}

} // namespace

struct peer_certificate::impl {
  impl(peer_certificate_options o, const wall_clock& c) : options(std::move(o)), clock(c) {}
  void look();

  peer_certificate_options options;
  const wall_clock& clock;
  std::shared_ptr<shared_ends> ends = std::make_shared<shared_ends>();
  expiry_notice own{renewal_ahead}, authority{renewal_ahead};
  std::string complaint; // the last one: it is told once
  std::optional<regular_look> thread;
};

void peer_certificate::impl::look() {
  auto read = read_ends(options);
  if (!read) {
    if (complaint != read.error().message)
      spdlog::warn("tls: new connections to other nodes fail: {}", read.error().message);
    complaint = read.error().message;
    return;
  }
  complaint.clear();
  ends->own = read->own;
  ends->authority = read->authority;
  const auto now = clock.now();
  say(own.look(read->own, now), "this node's certificate in " + options.certificate, read->own,
    "`troupe ca issue` makes a new one; no restart is needed.");
  say(authority.look(read->authority, now), "the authority in " + options.ca, read->authority,
    "All nodes need certificates of another one.");
}

peer_certificate::peer_certificate(peer_certificate_options o, const wall_clock& clock)
    : impl_(std::make_unique<impl>(std::move(o), clock)) {
  impl_->look();
  impl_->thread.emplace(impl_->options.interval, [raw = impl_.get()] { raw->look(); });
}

peer_certificate::~peer_certificate() = default;

std::function<unix_ms()> peer_certificate::end_of_own() const {
  return [ends = impl_->ends] { return ends->own.load(); };
}

std::function<unix_ms()> peer_certificate::end_of_authority() const {
  return [ends = impl_->ends] { return ends->authority.load(); };
}

} // namespace troupe
