// front_certificate: the certificate of a process's front doors, and the thread that looks whether its files were replaced, so
// that a renewed one is used without a restart. What it finds is in the log: a change, files that can not be used (then
// what there was stays), a key that everybody may read, and an end that is near.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/https_settings.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace troupe::net {
class server_certificate;
}

namespace troupe {

class front_certificate {
public:
  // The error names the file and what is wrong with it. Without files in the settings: no thread, no certificate.
  static result<std::unique_ptr<front_certificate>> start(https_settings, const wall_clock&);
  ~front_certificate(); // ends the thread

  // What a front door shows; nothing: it speaks plain HTTP.
  std::shared_ptr<const net::server_certificate> of(std::string_view door) const;
  // For metrics: when the certificate ends. An empty function: there is none.
  std::function<unix_ms()> end_of() const;

private:
  struct impl;
  explicit front_certificate(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
