// direct_file: disk_file whose writes pass by the page cache (O_DIRECT). Bulk data that is written once and rarely read
// soon would only push other data out of it, and copying into fresh pages can cost more than hashing the content
// (docs/PERFORMANCE.md). Writes gather in a window of 2 MiB, aligned as the disk wants it; the window is written when
// the next write leaves it, or on sync(). Reads inside the window are served from it, others by the page cache, which
// the kernel keeps coherent with direct writes. Private to the store.
#pragma once

#include "store/posix_file.hpp"

#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

namespace troupe {

// Windows between two files: a log opens a new one every 64 MiB, and fresh huge pages cost 5 % of a large PUT.
// Thread safe.
class window_pool {
public:
  struct unaligned {
    void operator()(std::byte* p) const { std::free(p); }
  };
  using window = std::unique_ptr<std::byte[], unaligned>;
  static constexpr std::size_t bytes = std::size_t{2} << 20; // one huge page: one segment of a disk request

  window take(); // what is in it is undefined
  void give_back(window);

private:
  static constexpr std::size_t kept_max = 2; // an old file is closed after the next one is open
  std::mutex mutex_;
  std::vector<window> kept_;
};

class direct_file final : public disk_file {
public:
  // `plain` itself when the file system has no direct writes, or can not set space aside ahead of them.
  static result<std::shared_ptr<disk_file>> make(
    std::shared_ptr<posix_file> plain, std::shared_ptr<window_pool> windows);
  ~direct_file() override; // writes what is left, as closing a file does; not synced

  result<> read_at(std::uint64_t offset, bytes_span out) const override;
  // Space is set aside on the disk before anything is taken: ec::no_space leaves the file as it was.
  result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override;
  result<> sync() override;
  result<> truncate(std::uint64_t bytes) override;
  result<> start_over() override;
  result<std::uint64_t> size() const override;
  void detach() override; // writes fail from now on (ec::closed)

private:
  direct_file(std::shared_ptr<posix_file> plain, std::shared_ptr<window_pool> windows, int fd, std::uint64_t size);

  // All with the lock held.
  result<> set_space_aside(std::uint64_t end);
  result<> move_window(std::uint64_t offset);
  result<> cut(std::uint64_t bytes);
  result<> flush() const;
  result<> write_blocks(std::uint64_t offset, bytes_view blocks) const;

  std::shared_ptr<posix_file> plain_; // reads, truncates, syncs
  descriptor direct_;
  mutable std::mutex mutex_;
  mutable bool direct_works_ = true;
  bool detached_ = false;
  bool started_over_ = false; // the file may be longer than size_
  std::shared_ptr<window_pool> windows_;
  window_pool::window window_;
  std::uint64_t base_ = 0;                              // of the window in the file; aligned
  mutable std::uint64_t used_ = 0;                      // bytes of the window that are the file's
  mutable std::uint64_t dirty_from_ = 0, dirty_to_ = 0; // of the window; empty: nothing to write
  std::uint64_t size_;                                  // of the file, as its users see it
  std::uint64_t set_aside_;                             // the disk has blocks for everything before it
};

} // namespace troupe
