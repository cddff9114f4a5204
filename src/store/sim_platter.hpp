// sim_platter: the bookkeeping behind sim_disk. A file has its visible content, its content on the platter and the
// changes in between, in order. A directory has the same for names. Rename is one step within a directory; between two,
// each directory's half is durable by itself, as POSIX has it: both names when only the target was synced, none when
// only the source was. Private to sim_disk.cpp.
#pragma once

#include "store/sim_disk.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace troupe {

namespace sim {

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

} // namespace sim

struct sim_disk::impl {
  explicit impl(std::uint64_t seed) : random(seed) {}

  using names = std::map<std::string, std::shared_ptr<sim::inode>>;

  mutable std::mutex mutex;
  std::mt19937_64 random;
  std::set<std::string> directories{""};
  names visible;
  names platter;
  std::vector<sim::pending_name> pending;
  std::vector<sim_fault> faults;
  std::uint64_t generation = 0;
  std::uint64_t operations = 0;
  std::uint64_t power_left = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();

  bool coin() { return (random() & 1) != 0; }
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random() % n; }

  bool off() const { return power_left == 0; }

  // A fault that is due.
  result<> check(
    sim_fault::operation on, const std::string& path, const char* call, std::uint64_t from = 0, std::uint64_t to = 0);

  // Counts an operation that changes something; false: the power goes off in the middle of it.
  bool count();
  // Visible bytes of named files; a crash during a rename may leave a file with two names.
  std::uint64_t used() const {
    std::set<const sim::inode*> seen;
    std::uint64_t bytes = 0;
    for (auto& [path, f] : visible)
      if (seen.insert(f.get()).second) bytes += f->visible.size();
    return bytes;
  }
  std::uint64_t room() const {
    return capacity == std::numeric_limits<std::uint64_t>::max() ? capacity : capacity - std::min(capacity, used());
  }
  error power_lost(const std::string& path) { return fail(ec::closed, path + ": the simulated power went off"); }

  void change_file(sim::inode& f, sim::pending_write w);
  static void sync_file(sim::inode&);
  // What a crash or a failed sync leaves of one write.
  void keep_part(sim::inode&, const sim::pending_write&);
  void lose_writes(sim::inode&);

  void apply_name(const sim::pending_name&);
  void sync_names(const std::string& directory);
  void crash();
};

std::string parent_of(const std::string& path);

} // namespace troupe
