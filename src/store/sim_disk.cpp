// The bookkeeping of sim_disk. A file has its visible content, its content on the platter and the changes in between,
// in order. A directory has the same for names. Rename is one step: after a crash the file has the old name, the new
// one, or (different directories, only the target synced) both.

#include "store/sim_disk.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <set>

namespace troupe {

namespace {

struct pending_write {
  std::uint64_t offset = 0;
  std::string bytes;
  bool is_truncate = false; // to `offset`
};

struct inode {
  std::string visible;
  std::string platter;
  std::vector<pending_write> pending;
};

struct pending_name {
  enum class kind { link, unlink, rename } what;
  std::string path;
  std::string to;
  std::shared_ptr<inode> file;
};

void apply_to(std::string& content, const pending_write& w) {
  if (w.is_truncate) return content.resize(w.offset);
  if (content.size() < w.offset + w.bytes.size()) content.resize(w.offset + w.bytes.size());
  content.replace(w.offset, w.bytes.size(), w.bytes);
}

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

} // namespace

struct sim_disk::impl {
  explicit impl(std::uint64_t seed) : random(seed) {}

  using names = std::map<std::string, std::shared_ptr<inode>>;

  mutable std::mutex mutex;
  std::mt19937_64 random;
  std::set<std::string> directories{""};
  names visible;
  names platter;
  std::vector<pending_name> pending;
  std::vector<sim_fault> faults;
  std::uint64_t generation = 0;
  std::uint64_t operations = 0;
  std::uint64_t power_left = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();

  bool coin() { return (random() & 1) != 0; }
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random() % n; }

  bool off() const { return power_left == 0; }

  result<> check(sim_fault::operation on, const std::string& path, const char* call, std::uint64_t from = 0, std::uint64_t to = 0) {
    if (off()) return fail(ec::closed, std::string{call} + " " + path + ": the simulated power is off");
    for (auto& f : faults) {
      if (f.on != sim_fault::operation::any && f.on != on) continue;
      if (path.find(f.path) == std::string::npos || f.times == 0) continue;
      auto some_bytes = f.from != 0 || f.to != std::numeric_limits<std::uint64_t>::max();
      if (some_bytes && (f.to <= from || to <= f.from)) continue;
      if (f.after > 0) {
        --f.after;
        continue;
      }
      --f.times;
      return fail(f.code, std::string{call} + " " + path + ": simulated fault");
    }
    return {};
  }

  // Counts an operation that changes something; false: the power goes off in the middle of it.
  bool count() {
    ++operations;
    if (power_left != std::numeric_limits<std::uint64_t>::max()) --power_left;
    return power_left != 0;
  }
  // Visible bytes of named files; a crash during a rename may leave a file with two names.
  std::uint64_t used() const {
    std::set<const inode*> seen;
    std::uint64_t bytes = 0;
    for (auto& [path, f] : visible)
      if (seen.insert(f.get()).second) bytes += f->visible.size();
    return bytes;
  }
  std::uint64_t room() const {
    return capacity == std::numeric_limits<std::uint64_t>::max() ? capacity : capacity - std::min(capacity, used());
  }
  error power_lost(const std::string& path) { return fail(ec::closed, path + ": the simulated power went off"); }

  void change_file(inode& f, pending_write w) {
    apply_to(f.visible, w);
    f.pending.push_back(std::move(w));
  }

  static void sync_file(inode& f) {
    for (auto& w : f.pending) apply_to(f.platter, w);
    f.pending.clear();
  }

  // What a crash or a failed sync leaves of one write.
  void keep_part(inode& f, const pending_write& w) {
    switch (below(5)) {
    case 0: return;                // lost
    case 1:
    case 2: return apply_to(f.platter, w);
    case 3: { // torn after some byte
      auto part = w;
      if (!w.is_truncate) part.bytes.resize(below(w.bytes.size() + 1));
      return apply_to(f.platter, part);
    }
    default: { // any of its sectors
      if (w.is_truncate) return apply_to(f.platter, w);
      constexpr std::uint64_t sector = 512;
      for (std::uint64_t at = 0; at < w.bytes.size();) {
        auto n = std::min<std::uint64_t>(sector - (w.offset + at) % sector, w.bytes.size() - at);
        if (coin()) apply_to(f.platter, {w.offset + at, w.bytes.substr(at, n)});
        at += n;
      }
    }
    }
  }

  void lose_writes(inode& f) {
    if (below(4) == 0) f.pending.clear(); // the whole page cache was lost
    if (below(4) == 0) sync_file(f);      // or had just been written
    for (auto& w : f.pending) keep_part(f, w);
    f.pending.clear();
  }

  void apply_name(const pending_name& p) {
    switch (p.what) {
    case pending_name::kind::link: platter[p.path] = p.file; break;
    case pending_name::kind::unlink: platter.erase(p.path); break;
    case pending_name::kind::rename:
      platter.erase(p.path);
      platter[p.to] = p.file;
      break;
    }
  }

  void sync_names(const std::string& directory) {
    std::vector<pending_name> left;
    for (auto& p : pending) {
      auto here = parent_of(p.path) == directory;
      auto there = p.what == pending_name::kind::rename && parent_of(p.to) == directory;
      if (!here && !there) {
        left.push_back(p);
        continue;
      }
      if (p.what == pending_name::kind::rename) // what the old name was linked to before is history now
        std::erase_if(left, [&](auto& earlier) { return earlier.path == p.path; });
      if (there && !here && coin()) { // both names for now
        platter[p.to] = p.file;
        if (platter.count(p.path) != 0) left.push_back({pending_name::kind::unlink, p.path, {}, p.file});
        continue;
      }
      apply_name(p);
    }
    pending = std::move(left);
  }

  void crash() {
    auto kept = below(pending.size() + 1); // names are journalled: what survives is a prefix
    for (std::size_t i = 0; i < kept; ++i) apply_name(pending[i]);
    pending.clear();
    visible = platter;
    std::set<inode*> seen;
    for (auto& [path, f] : visible) {
      if (!seen.insert(f.get()).second) continue;
      lose_writes(*f);
      f->visible = f->platter;
    }
    faults.clear();
    power_left = std::numeric_limits<std::uint64_t>::max();
    ++generation;
  }
};

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
    if (offset < content->size()) (*content)[offset] = static_cast<char>(static_cast<unsigned char>((*content)[offset]) ^ (1U << bit));
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
