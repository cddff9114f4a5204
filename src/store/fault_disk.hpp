// fault_disk: a disk that fails when it is told to, over another one: for rehearsals on a live process, where the
// configuration says `faults: enabled`; elsewhere nobody makes one. What a seed decides in tests is sim_disk.hpp's.
// Nothing on the disk below is damaged: a flipped bit is in what a read returns. LMDB's files do not go through a disk.
#pragma once

#include "store/disk.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

enum class disk_operation : std::uint8_t { read, write, sync }; // write: also create, truncate, rename, remove
enum class disk_fault_kind : std::uint8_t { eio, enospc, slow, flip };

struct disk_fault {
  disk_fault_kind kind = disk_fault_kind::eio;
  std::string volume;                             // empty: every one
  bool reads = true, writes = true, syncs = true; // which operations; enospc is of writes and syncs, flip of reads
  std::chrono::milliseconds delay{0};             // of slow, up to delay_max
};

// The faults of all disks of a process. Thread-safe. One of a kind for a volume: a later one takes its place.
class disk_faults {
public:
  static constexpr std::chrono::milliseconds delay_max{60'000};

  // ec::bad_argument when it would do nothing, or says too long a delay.
  result<> set(disk_fault);
  void clear();                          // whoever waits in a slow operation goes on at once
  std::vector<std::string> list() const; // "disk eio on reads of storage": for people

  // What an operation is to do. Waits when it is to be slow.
  result<> before(disk_operation, const std::string& volume, const std::string& path);
  // Whether what was read is to be wrong.
  bool flips(const std::string& volume) const;

private:
  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::condition_variable cleared_;
  std::uint64_t clears_ = 0;
  std::vector<disk_fault> faults_;
};

// `volume` is what faults name it by.
std::unique_ptr<disk> make_fault_disk(
  std::shared_ptr<disk> below, std::shared_ptr<disk_faults> faults, std::string volume);

} // namespace troupe
