#include "roles/front_certificate.hpp"

#include "codec/text.hpp"
#include "core/expiry_notice.hpp"
#include "net/server_certificate.hpp"
#include "roles/regular_look.hpp"
#include "store/text_file.hpp"

#include <spdlog/spdlog.h>

#include <optional>

namespace troupe {
namespace {

// Those that renew themselves do so earlier; warnings of each one would be noise.
constexpr unix_ms near_ms = unix_ms{14} * 86'400'000;

} // namespace

struct front_certificate::impl {
  impl(https_settings s, const wall_clock& c) : settings(std::move(s)), clock(c) {}
  void tell(bool replaced);
  void look();

  https_settings settings;
  const wall_clock& clock;
  std::shared_ptr<net::server_certificate> certificate; // empty: there is none
  std::string complaint;                                // the last one: it is told once
  expiry_notice notice{near_ms};
  std::optional<regular_look> thread;
};

void front_certificate::impl::tell(bool replaced) {
  const auto& files = certificate->files();
  const auto until = certificate->valid_until();
  const auto word = notice.look(until, clock.now(), replaced);
  if (word == expiry_notice::word::none) return;
  const auto shown = format_iso8601(until).substr(0, 10);
  if (is_readable_by_everybody(files.key))
    spdlog::warn("https: {} may be read by everybody on this machine: chmod o-r, and think of a new key", files.key);
  if (word == expiry_notice::word::past)
    spdlog::warn("https: the certificate in {} has expired ({}): clients refuse it", files.certificate, shown);
  else if (word == expiry_notice::word::near)
    spdlog::warn("https: the certificate in {} expires on {}: renew it", files.certificate, shown);
  else
    spdlog::info("https: the certificate in {} is valid until {}", files.certificate, shown);
}

void front_certificate::impl::look() {
  auto changed = certificate->refresh();
  if (!changed) {
    if (complaint != changed.error().message)
      spdlog::warn("https: new files are not used, the certificate that there was stays: {}", changed.error().message);
    complaint = changed.error().message;
    return;
  }
  complaint.clear();
  if (*changed) spdlog::info("https: the files of the certificate were replaced");
  tell(*changed);
}

front_certificate::front_certificate(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

front_certificate::~front_certificate() = default;

result<std::unique_ptr<front_certificate>> front_certificate::start(https_settings settings, const wall_clock& clock) {
  auto i = std::make_unique<impl>(std::move(settings), clock);
  if (i->settings.on()) {
    auto loaded = net::server_certificate::load({.certificate = i->settings.certificate, .key = i->settings.key});
    if (!loaded) return fail(loaded.error().code, "https: " + loaded.error().message);
    i->certificate = std::move(*loaded);
    i->tell(true);
    i->thread.emplace(i->settings.refresh, [raw = i.get()] { raw->look(); });
  }
  return std::unique_ptr<front_certificate>{new front_certificate{std::move(i)}};
}

std::shared_ptr<const net::server_certificate> front_certificate::of(std::string_view door) const {
  return impl_->settings.covers(door) ? impl_->certificate : nullptr;
}

std::function<unix_ms()> front_certificate::end_of() const {
  if (!impl_->certificate) return {};
  return [shown = impl_->certificate] { return shown->valid_until(); };
}

} // namespace troupe
