// audit_log: who did what, from where, with what outcome: a JSON line for every request that changes something and every one
// that is refused (reads too, by configuration). Lines are written by a thread of its own to a file that is rotated by its size:
// FILE, FILE.1 (the last one before), ... FILE.<keep>. A line never holds a query, a header or a body, so no signature, key or
// token. Lines reach the kernel within 20 ms and the disk within a second.
#pragma once

#include "api/http/config.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "roles/identity_settings.hpp"

#include <memory>
#include <string>

namespace troupe {

// With its '\n'. Bytes of a path that are not printable ASCII are percent-encoded.
std::string audit_line(const http::access_record&, unix_ms now);
// Whether a request is one that is written down.
bool is_audited(const http::access_record&, bool reads);

class audit_log {
public:
  static constexpr std::size_t lines_max = 8192; // that wait to be written

  // The error names the file.
  static result<std::unique_ptr<audit_log>> open(const audit_settings&, const wall_clock&);
  ~audit_log(); // writes what waits

  // On any thread. With too many lines waiting: waits, or counts a lost one, as the settings say.
  void add(const http::access_record&);
  std::uint64_t lost() const;

private:
  struct impl;
  explicit audit_log(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

// Hands every event on to another observer, and finished requests to the log.
class audited_requests final : public http::observer {
public:
  audited_requests(http::observer& next, audit_log* log) : next_(next), log_(log) {} // no log: only hands on
  void finished(const http::access_record& r) override {
    next_.finished(r);
    if (log_ != nullptr) log_->add(r);
  }
  void failed(std::string_view id, std::string_view what) override { next_.failed(id, what); }
  void opened() override { next_.opened(); }
  void closed() override { next_.closed(); }

private:
  http::observer& next_;
  audit_log* log_;
};

} // namespace troupe
