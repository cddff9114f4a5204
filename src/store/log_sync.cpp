#include "store/log_sync.hpp"

#include "store/disk.hpp"

namespace troupe {

namespace {

error refused(const error& cause) { return fail(ec::closed, "the log is closed after an error: " + cause.message); }

} // namespace

result<> sync_gate::run(std::span<const std::shared_ptr<disk_file>> files) {
  std::lock_guard turn{turn_}; // so that whoever comes second sees the first one's failure
  if (auto failed = closed()) return refused(*failed);
  for (auto& file : files) {
    if (auto ok = file->sync(); !ok) {
      close(ok.error());
      return ok;
    }
  }
  return {};
}

void sync_gate::close(const error& cause) {
  std::lock_guard guard{mutex_};
  if (!failed_) failed_ = cause;
}

std::optional<error> sync_gate::closed() const {
  std::lock_guard guard{mutex_};
  return failed_;
}

result<> log_sync::run() const {
  if (gate_) return gate_->run(files_);
  for (auto& file : files_) TROUPE_TRY(file->sync());
  return {};
}

} // namespace troupe
