#include "store/fault_disk.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

bool touches(const disk_fault& f, disk_operation o) {
  switch (o) {
  case disk_operation::read: return f.reads;
  case disk_operation::write: return f.writes;
  case disk_operation::sync: return f.syncs;
  }
  return false;
}

bool applies(const disk_fault& f, const std::string& volume) { return f.volume.empty() || f.volume == volume; }

std::string text_of(const disk_fault& f) {
  std::string what = "disk ";
  switch (f.kind) {
  case disk_fault_kind::eio: what += "eio"; break;
  case disk_fault_kind::enospc: what += "enospc"; break;
  case disk_fault_kind::slow: what += "slow " + std::to_string(f.delay.count()) + " ms"; break;
  case disk_fault_kind::flip: what += "flip"; break;
  }
  std::string on;
  for (auto [yes, name] : {std::pair{f.reads, "reads"}, std::pair{f.writes, "writes"}, std::pair{f.syncs, "syncs"}})
    if (yes) (on += on.empty() ? "" : ", ") += name;
  return what + " on " + on + " of " + (f.volume.empty() ? "every volume" : f.volume);
}

// The file of one open(); faults may come and go while it is open.
class fault_file final : public disk_file {
public:
  fault_file(
    std::shared_ptr<disk_file> below, std::shared_ptr<disk_faults> faults, std::string volume, std::string path)
      : below_(std::move(below)), faults_(std::move(faults)), volume_(std::move(volume)), path_(std::move(path)) {}

  result<> read_at(std::uint64_t offset, bytes_span out) const override {
    TROUPE_TRY(faults_->before(disk_operation::read, volume_, path_));
    TROUPE_TRY(below_->read_at(offset, out));
    if (!out.empty() && faults_->flips(volume_)) out[out.size() / 2] ^= std::byte{1};
    return {};
  }
  result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override {
    TROUPE_TRY(faults_->before(disk_operation::write, volume_, path_));
    return below_->write_at(offset, buffers);
  }
  result<> sync() override {
    TROUPE_TRY(faults_->before(disk_operation::sync, volume_, path_));
    return below_->sync();
  }
  result<> truncate(std::uint64_t bytes) override {
    TROUPE_TRY(faults_->before(disk_operation::write, volume_, path_));
    return below_->truncate(bytes);
  }
  result<> start_over() override {
    TROUPE_TRY(faults_->before(disk_operation::write, volume_, path_));
    return below_->start_over();
  }
  result<std::uint64_t> size() const override { return below_->size(); }
  void detach() override { below_->detach(); }

private:
  std::shared_ptr<disk_file> below_;
  std::shared_ptr<disk_faults> faults_;
  std::string volume_, path_;
};

class fault_disk final : public disk {
public:
  fault_disk(std::shared_ptr<disk> below, std::shared_ptr<disk_faults> faults, std::string volume)
      : below_(std::move(below)), faults_(std::move(faults)), volume_(std::move(volume)) {}

  result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode mode) override {
    TROUPE_TRY(before_open(path, mode));
    return wrapped(below_->open(path, mode), path);
  }
  result<std::shared_ptr<disk_file>> open_direct(const std::string& path, open_mode mode) override {
    TROUPE_TRY(before_open(path, mode));
    return wrapped(below_->open_direct(path, mode), path);
  }
  result<> make_directory(const std::string& path) override {
    TROUPE_TRY(before(disk_operation::write, path));
    return below_->make_directory(path);
  }
  result<std::vector<std::string>> list(const std::string& path) override {
    TROUPE_TRY(before(disk_operation::read, path));
    return below_->list(path);
  }
  result<bool> exists(const std::string& path) override {
    TROUPE_TRY(before(disk_operation::read, path));
    return below_->exists(path);
  }
  result<> rename(const std::string& from, const std::string& to) override {
    TROUPE_TRY(before(disk_operation::write, from));
    return below_->rename(from, to);
  }
  result<> remove(const std::string& path) override {
    TROUPE_TRY(before(disk_operation::write, path));
    return below_->remove(path);
  }
  result<> sync_directory(const std::string& path) override {
    TROUPE_TRY(before(disk_operation::sync, path));
    return below_->sync_directory(path);
  }
  result<disk_space> space() override { return below_->space(); }

private:
  result<> before(disk_operation o, const std::string& path) { return faults_->before(o, volume_, path); }
  result<> before_open(const std::string& path, open_mode mode) {
    return before(mode == open_mode::create ? disk_operation::write : disk_operation::read, path);
  }
  result<std::shared_ptr<disk_file>> wrapped(result<std::shared_ptr<disk_file>> file, const std::string& path) {
    if (!file) return file;
    return std::make_shared<fault_file>(std::move(*file), faults_, volume_, path);
  }

  std::shared_ptr<disk> below_;
  std::shared_ptr<disk_faults> faults_;
  std::string volume_;
};

} // namespace

result<> disk_faults::set(disk_fault f) {
  if (f.kind == disk_fault_kind::enospc) f.reads = false;
  if (f.kind == disk_fault_kind::flip) f.writes = f.syncs = false;
  if (!f.reads && !f.writes && !f.syncs) return fail(ec::bad_argument, "that fault is of none of these operations");
  if (f.kind == disk_fault_kind::slow && (f.delay.count() <= 0 || f.delay > delay_max))
    return fail(ec::bad_argument, "a slow disk takes 1 to " + std::to_string(delay_max.count()) + " ms longer");
  std::lock_guard lock{mutex_};
  std::erase_if(faults_, [&](auto& old) { return old.kind == f.kind && old.volume == f.volume; });
  faults_.push_back(std::move(f));
  any_ = true;
  return {};
}

void disk_faults::clear() {
  std::lock_guard lock{mutex_};
  faults_.clear();
  any_ = false;
  ++clears_;
  cleared_.notify_all();
}

std::vector<std::string> disk_faults::list() const {
  std::lock_guard lock{mutex_};
  std::vector<std::string> all;
  for (auto& f : faults_) all.push_back(text_of(f));
  return all;
}

result<> disk_faults::before(disk_operation o, const std::string& volume, const std::string& path) {
  if (!any_) return {};
  std::unique_lock lock{mutex_};
  std::chrono::milliseconds delay{0};
  for (auto& f : faults_)
    if (f.kind == disk_fault_kind::slow && applies(f, volume) && touches(f, o)) delay = std::max(delay, f.delay);
  if (delay.count() != 0) cleared_.wait_for(lock, delay, [this, now = clears_] { return clears_ != now; });
  for (auto& f : faults_) {
    if (!applies(f, volume) || !touches(f, o)) continue;
    auto where = volume + "/" + path + ": ";
    if (f.kind == disk_fault_kind::eio) return fail(ec::io_error, where + "an injected I/O error");
    if (f.kind == disk_fault_kind::enospc) return fail(ec::no_space, where + "an injected full disk");
  }
  return {};
}

bool disk_faults::flips(const std::string& volume) const {
  if (!any_) return false;
  std::lock_guard lock{mutex_};
  return std::any_of(
    faults_.begin(), faults_.end(), [&](auto& f) { return f.kind == disk_fault_kind::flip && applies(f, volume); });
}

std::unique_ptr<disk> make_fault_disk(
  std::shared_ptr<disk> below, std::shared_ptr<disk_faults> faults, std::string volume) {
  return std::make_unique<fault_disk>(std::move(below), std::move(faults), std::move(volume));
}

} // namespace troupe
