#include "api/metrics/file_log_metrics.hpp"

#include "files.pb.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace troupe::metrics {

struct file_log_metrics::families {
  explicit families(prometheus::Registry& r)
      : verified(
          gauge(r, "troupe_files_log_verified_seconds", "When the log of files was verified last, as Unix time.")),
        took(gauge(r, "troupe_files_log_verify_seconds", "How long that took.")),
        faults(gauge(r, "troupe_files_log_faults", "Faults that the last verification found in the log of files.")),
        differences(gauge(r, "troupe_files_log_differences", "Files that were not what the log says.")) {}

  using family = prometheus::Family<prometheus::Gauge>;
  static family& gauge(prometheus::Registry& r, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(r);
  }
  family &verified, &took, &faults, &differences;
};

file_log_metrics::file_log_metrics(prometheus::Registry& r) : families_(std::make_unique<families>(r)) {}
file_log_metrics::~file_log_metrics() = default;

void file_log_metrics::set(const pb::file_log_verification& v) {
  families_->verified.Add({}).Set(static_cast<double>(v.finished_ms()) / 1000);
  families_->took.Add({}).Set(static_cast<double>(v.took_ms()) / 1000);
  families_->faults.Add({}).Set(static_cast<double>(v.faults()));
  families_->differences.Add({}).Set(static_cast<double>(v.differences()));
}

} // namespace troupe::metrics
