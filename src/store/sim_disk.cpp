// The operations of sim_disk; what they do to the bookkeeping is in sim_platter.cpp.

#include "store/sim_disk.hpp"

#include "store/sim_platter.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {

using namespace sim;

namespace {

class sim_file final : public disk_file {
public:
  sim_file(std::shared_ptr<sim_disk::impl> d, std::shared_ptr<inode> file, std::string path)
      : disk_(std::move(d)), file_(std::move(file)), path_(std::move(path)), generation_(disk_->generation) {}

  result<> read_at(std::uint64_t offset, bytes_span out) const override {
    std::lock_guard guard{disk_->mutex};
    TROUPE_TRY(alive());
    TROUPE_TRY(disk_->check(sim_fault::operation::read, path_, "read", offset, offset + out.size()));
    if (offset > file_->visible.size() || file_->visible.size() - offset < out.size())
      return fail(ec::corrupt, "read " + path_ + ": the file ends before " + std::to_string(offset + out.size()));
    if (!out.empty()) std::memcpy(out.data(), file_->visible.data() + offset, out.size());
    return {};
  }

  result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override {
    std::lock_guard guard{disk_->mutex};
    TROUPE_TRY(alive());
    TROUPE_TRY(disk_->check(sim_fault::operation::write, path_, "write"));
    pending_write w{offset, {}};
    for (auto b : buffers) w.bytes.append(as_text(b));
    auto powered = disk_->count();
    if (!powered) w.bytes.resize(disk_->below(w.bytes.size() + 1));
    auto end = std::max<std::uint64_t>(file_->visible.size(), offset + w.bytes.size());
    auto grows = end - file_->visible.size();
    auto room = disk_->room();
    auto full = grows > room;
    if (full) w.bytes.resize(w.bytes.size() - std::min<std::uint64_t>(w.bytes.size(), grows - room));
    if (!w.bytes.empty()) disk_->change_file(*file_, std::move(w));
    if (!powered) return disk_->power_lost(path_);
    if (full) return fail(ec::no_space, "write " + path_ + ": the simulated disk is full");
    return {};
  }

  result<> sync() override {
    std::lock_guard guard{disk_->mutex};
    TROUPE_TRY(alive());
    if (auto ok = disk_->check(sim_fault::operation::sync, path_, "sync"); !ok) {
      if (!disk_->off()) disk_->lose_writes(*file_);
      return ok;
    }
    auto powered = disk_->count();
    if (!powered && disk_->coin()) return disk_->power_lost(path_);
    sim_disk::impl::sync_file(*file_);
    if (!powered) return disk_->power_lost(path_);
    return {};
  }

  result<> truncate(std::uint64_t bytes) override {
    std::lock_guard guard{disk_->mutex};
    TROUPE_TRY(alive());
    TROUPE_TRY(disk_->check(sim_fault::operation::write, path_, "truncate"));
    auto powered = disk_->count();
    disk_->change_file(*file_, {bytes, {}, true});
    if (!powered) return disk_->power_lost(path_);
    return {};
  }

  result<> start_over() override { return {}; } // all of what it held stays: the worst that is allowed

  result<std::uint64_t> size() const override {
    std::lock_guard guard{disk_->mutex};
    TROUPE_TRY(alive());
    return file_->visible.size();
  }

private:
  result<> alive() const {
    if (generation_ != disk_->generation) return fail(ec::closed, path_ + ": opened before the simulated crash");
    return {};
  }

  std::shared_ptr<sim_disk::impl> disk_;
  std::shared_ptr<inode> file_;
  std::string path_;
  std::uint64_t generation_;
};

} // namespace

sim_disk::sim_disk(std::uint64_t seed) : impl_(std::make_shared<impl>(seed)) {}
sim_disk::~sim_disk() = default;

result<std::shared_ptr<disk_file>> sim_disk::open(const std::string& path, open_mode mode) {
  std::lock_guard guard{impl_->mutex};
  auto found = impl_->visible.find(path);
  if (found == impl_->visible.end() && mode == open_mode::existing) {
    TROUPE_TRY(impl_->check(sim_fault::operation::read, path, "open"));
    return fail(ec::not_found, "open " + path + ": no such file");
  }
  if (found == impl_->visible.end()) {
    TROUPE_TRY(impl_->check(sim_fault::operation::write, path, "create"));
    if (impl_->directories.count(parent_of(path)) == 0) return fail(ec::not_found, "create " + path + ": no directory");
    auto powered = impl_->count();
    found = impl_->visible.emplace(path, std::make_shared<inode>()).first;
    impl_->pending.push_back({pending_name::kind::link, path, {}, found->second});
    if (!powered) return impl_->power_lost(path);
  } else if (impl_->off()) {
    return impl_->power_lost(path);
  }
  return std::make_shared<sim_file>(impl_, found->second, path);
}

result<> sim_disk::make_directory(const std::string& path) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::write, path, "mkdir"));
  for (auto p = path; !p.empty(); p = parent_of(p)) impl_->directories.insert(p);
  return {};
}

result<std::vector<std::string>> sim_disk::list(const std::string& path) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::read, path, "list"));
  if (impl_->directories.count(path) == 0) return fail(ec::not_found, "list " + path + ": no such directory");
  std::set<std::string> names;
  auto prefix = path.empty() ? "" : path + "/";
  auto add = [&](const std::string& full) {
    if (full.size() > prefix.size() && full.compare(0, prefix.size(), prefix) == 0)
      names.insert(full.substr(prefix.size(), full.find('/', prefix.size()) - prefix.size()));
  };
  for (auto& [name, file] : impl_->visible) add(name);
  for (auto& d : impl_->directories) add(d);
  return std::vector<std::string>{names.begin(), names.end()};
}

result<bool> sim_disk::exists(const std::string& path) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::read, path, "stat"));
  return impl_->visible.count(path) != 0 || impl_->directories.count(path) != 0;
}

result<> sim_disk::rename(const std::string& from, const std::string& to) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::write, from, "rename"));
  auto found = impl_->visible.find(from);
  if (found == impl_->visible.end()) return fail(ec::not_found, "rename " + from + ": no such file");
  if (impl_->directories.count(parent_of(to)) == 0) return fail(ec::not_found, "rename to " + to + ": no directory");
  auto powered = impl_->count();
  auto file = found->second;
  impl_->visible.erase(found);
  impl_->visible[to] = file;
  impl_->pending.push_back({pending_name::kind::rename, from, to, file});
  if (!powered) return impl_->power_lost(from);
  return {};
}

result<> sim_disk::remove(const std::string& path) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::write, path, "remove"));
  auto found = impl_->visible.find(path);
  if (found == impl_->visible.end()) return {};
  auto powered = impl_->count();
  impl_->pending.push_back({pending_name::kind::unlink, path, {}, found->second});
  impl_->visible.erase(found);
  if (!powered) return impl_->power_lost(path);
  return {};
}

result<> sim_disk::sync_directory(const std::string& path) {
  std::lock_guard guard{impl_->mutex};
  TROUPE_TRY(impl_->check(sim_fault::operation::sync, path, "sync directory"));
  if (impl_->directories.count(path) == 0) return fail(ec::not_found, "sync directory " + path + ": not there");
  auto powered = impl_->count();
  if (!powered && impl_->coin()) return impl_->power_lost(path);
  impl_->sync_names(path);
  if (!powered) return impl_->power_lost(path);
  return {};
}

result<disk_space> sim_disk::space() {
  std::lock_guard guard{impl_->mutex};
  return disk_space{.total_bytes = impl_->capacity, .free_bytes = impl_->room()};
}

void sim_disk::crash() {
  std::lock_guard guard{impl_->mutex};
  impl_->crash();
}

void sim_disk::power_off_after(std::uint64_t operations) {
  std::lock_guard guard{impl_->mutex};
  impl_->power_left = operations + 1; // the one after them is cut short
}

bool sim_disk::powered_off() const {
  std::lock_guard guard{impl_->mutex};
  return impl_->off();
}

std::uint64_t sim_disk::operations() const {
  std::lock_guard guard{impl_->mutex};
  return impl_->operations;
}

void sim_disk::add_fault(sim_fault f) {
  std::lock_guard guard{impl_->mutex};
  impl_->faults.push_back(std::move(f));
}

void sim_disk::clear_faults() {
  std::lock_guard guard{impl_->mutex};
  impl_->faults.clear();
}

void sim_disk::set_capacity(std::uint64_t bytes) {
  std::lock_guard guard{impl_->mutex};
  impl_->capacity = bytes;
}

void sim_disk::flip_bit(const std::string& path, std::uint64_t offset, unsigned bit) {
  std::lock_guard guard{impl_->mutex};
  auto found = impl_->visible.find(path);
  if (found == impl_->visible.end()) return;
  for (auto* content : {&found->second->visible, &found->second->platter})
    if (offset < content->size())
      (*content)[offset] = static_cast<char>(static_cast<unsigned char>((*content)[offset]) ^ (1U << bit));
}

void sim_disk::overwrite(const std::string& path, std::uint64_t offset, bytes_view bytes) {
  std::lock_guard guard{impl_->mutex};
  auto& file = impl_->visible[path];
  if (!file) file = std::make_shared<inode>();
  impl_->platter[path] = file;
  for (auto p = parent_of(path); !p.empty(); p = parent_of(p)) impl_->directories.insert(p);
  impl_->change_file(*file, {offset, std::string{as_text(bytes)}});
  sim_disk::impl::sync_file(*file);
}

std::string sim_disk::content(const std::string& path) const {
  std::lock_guard guard{impl_->mutex};
  auto found = impl_->visible.find(path);
  return found == impl_->visible.end() ? std::string{} : found->second->visible;
}

} // namespace troupe
