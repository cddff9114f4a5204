#include "store/direct_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::uint64_t block = 4096; // what every disk takes; of offset, length and memory
constexpr std::uint64_t window_bytes = window_pool::bytes;

constexpr std::uint64_t down(std::uint64_t n) { return n / block * block; }
constexpr std::uint64_t up(std::uint64_t n) { return down(n + block - 1); }

int set_aside_blocks(int fd, std::uint64_t from, std::uint64_t to) {
  int outcome = 0;
  do outcome = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(to - from));
  while (outcome != 0 && errno == EINTR);
  return outcome == 0 ? 0 : errno;
}

} // namespace

window_pool::window window_pool::take() {
  std::lock_guard guard{mutex_};
  if (!kept_.empty()) {
    auto w = std::move(kept_.back());
    kept_.pop_back();
    return w;
  }
  window w{static_cast<std::byte*>(std::aligned_alloc(bytes, bytes))};
  if (!w) throw std::bad_alloc{};
  ::madvise(w.get(), bytes, MADV_HUGEPAGE); // a matter of speed: without it, 512 pages
  return w;
}

void window_pool::give_back(window w) {
  std::lock_guard guard{mutex_};
  if (w && kept_.size() < kept_max) kept_.push_back(std::move(w));
}

result<std::shared_ptr<disk_file>> direct_file::make(
  std::shared_ptr<posix_file> plain, std::shared_ptr<window_pool> windows) {
  auto size = plain->size();
  if (!size) return std::move(size).error();
  int fd = open_descriptor(plain->path(), O_WRONLY | O_DIRECT);
  if (fd < 0) return std::shared_ptr<disk_file>{std::move(plain)};
  std::shared_ptr<direct_file> made{new direct_file{std::move(plain), std::move(windows), fd, *size}};
  auto problem = set_aside_blocks(made->plain_->fd(), *size, *size + block);
  if (problem == EOPNOTSUPP || problem == ENOSYS) return std::shared_ptr<disk_file>{made->plain_};
  return std::shared_ptr<disk_file>{std::move(made)};
}

direct_file::direct_file(
  std::shared_ptr<posix_file> plain, std::shared_ptr<window_pool> windows, int fd, std::uint64_t size)
    : plain_(std::move(plain)),
      direct_(fd),
      windows_(std::move(windows)),
      window_(windows_->take()),
      size_(size),
      set_aside_(size) {}

direct_file::~direct_file() {
  (void)flush();
  windows_->give_back(std::move(window_));
}

result<> direct_file::set_space_aside(std::uint64_t end) {
  if (end <= set_aside_) return {};
  auto target = (end + window_bytes - 1) / window_bytes * window_bytes;
  auto problem = set_aside_blocks(plain_->fd(), set_aside_, target);
  if (problem == ENOSPC) { // not for all of it: for what is needed now
    target = up(end);
    problem = set_aside_blocks(plain_->fd(), set_aside_, target);
  }
  if (problem != 0) return failed_call("fallocate", plain_->path(), problem);
  set_aside_ = target;
  return {};
}

// Writes whole blocks. The last one's rest is what the file has there: zeros, or bytes that were not in the window.
result<> direct_file::flush() const {
  if (dirty_from_ >= dirty_to_) return {};
  auto from = down(dirty_from_), to = up(dirty_to_);
  if (used_ < to) {
    auto there = std::clamp<std::uint64_t>(size_, base_ + used_, base_ + to) - base_ - used_;
    if (there != 0) TROUPE_TRY(plain_->read_at(base_ + used_, {window_.get() + used_, there}));
    std::memset(window_.get() + used_ + there, 0, to - used_ - there);
    used_ += there;
  }
  TROUPE_TRY(write_blocks(base_ + from, {window_.get() + from, to - from}));
  dirty_from_ = dirty_to_ = 0;
  return {};
}

result<> direct_file::write_blocks(std::uint64_t offset, bytes_view blocks) const {
  while (direct_works_ && !blocks.empty()) {
    auto n = ::pwrite(direct_.get(), blocks.data(), blocks.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL) direct_works_ = false; // this file system or disk wants something else
    if (n < 0 && errno != EINVAL) return failed_call("pwrite", plain_->path(), errno);
    auto written = down(static_cast<std::uint64_t>(std::max<ssize_t>(n, 0)));
    if (written == 0) break; // less than a block: the page cache takes any length
    offset += written;
    blocks = blocks.subspan(written);
  }
  if (blocks.empty()) return {};
  return plain_->write_at(offset, {&blocks, 1});
}

// Makes the window begin with the block of `offset`.
result<> direct_file::move_window(std::uint64_t offset) {
  TROUPE_TRY(flush());
  auto base = down(offset);
  auto there = std::clamp<std::uint64_t>(size_, base, base + block) - base;
  if (base >= base_ && base + there <= base_ + used_) {
    std::memmove(window_.get(), window_.get() + (base - base_), there);
  } else if (there != 0) {
    TROUPE_TRY(plain_->read_at(base, {window_.get(), there}));
  }
  base_ = base;
  used_ = there;
  return {};
}

// Another writer may open the path next: a window of this one must not be written over what that appends.
void direct_file::detach() {
  std::lock_guard guard{mutex_};
  (void)flush();
  detached_ = true;
  dirty_from_ = dirty_to_ = used_ = 0;
  windows_->give_back(std::move(window_));
}

result<> direct_file::write_at(std::uint64_t offset, std::span<const bytes_view> buffers) {
  std::lock_guard guard{mutex_};
  if (detached_) return fail(ec::closed, plain_->path() + ": written after its writer had gone");
  std::uint64_t total = 0;
  for (auto b : buffers) total += b.size();
  if (total == 0) return {};
  if (offset > size_) { // the gap reads as zeros
    TROUPE_TRY(flush());
    TROUPE_TRY(cut(offset));
  }
  TROUPE_TRY(set_space_aside(offset + total));
  for (auto b : buffers) {
    while (!b.empty()) {
      if (offset < base_ || offset > base_ + used_ || offset == base_ + window_bytes) TROUPE_TRY(move_window(offset));
      auto at = offset - base_;
      auto n = std::min<std::uint64_t>(b.size(), window_bytes - at);
      std::memcpy(window_.get() + at, b.data(), n);
      dirty_from_ = dirty_from_ < dirty_to_ ? std::min(dirty_from_, at) : at;
      dirty_to_ = std::max(dirty_to_, at + n);
      used_ = std::max(used_, at + n);
      offset += n;
      size_ = std::max(size_, offset);
      b = b.subspan(n);
    }
  }
  return {};
}

result<> direct_file::read_at(std::uint64_t offset, bytes_span out) const {
  {
    std::lock_guard guard{mutex_};
    auto end = offset + out.size();
    if (detached_) return plain_->read_at(offset, out);
    if (end > size_)
      return fail(ec::corrupt,
        "pread " + plain_->path() + ": the file ends at " + std::to_string(size_) + ", before " + std::to_string(end));
    if (offset >= base_ && end <= base_ + used_) {
      if (!out.empty()) std::memcpy(out.data(), window_.get() + (offset - base_), out.size());
      return {};
    }
    if (offset < base_ + dirty_to_ && end > base_ + dirty_from_) TROUPE_TRY(flush());
  }
  return plain_->read_at(offset, out);
}

result<> direct_file::sync() {
  {
    std::lock_guard guard{mutex_};
    TROUPE_TRY(flush());
  }
  return plain_->sync();
}

// What a file that started over still has behind its end must not come back as the zeros of a larger one.
result<> direct_file::cut(std::uint64_t bytes) {
  if (started_over_ && bytes > size_) TROUPE_TRY(plain_->truncate(size_));
  TROUPE_TRY(plain_->truncate(bytes));
  size_ = bytes;
  set_aside_ = std::min(set_aside_, bytes);
  started_over_ = false;
  return {};
}

result<> direct_file::truncate(std::uint64_t bytes) {
  std::lock_guard guard{mutex_};
  if (detached_) return fail(ec::closed, plain_->path() + ": cut after its writer had gone");
  TROUPE_TRY(flush());
  TROUPE_TRY(cut(bytes));
  used_ = 0; // nothing of the window counts
  base_ = down(bytes);
  if (base_ != bytes) return move_window(bytes);
  return {};
}

result<> direct_file::start_over() {
  std::lock_guard guard{mutex_};
  if (detached_) return fail(ec::closed, plain_->path() + ": emptied after its writer had gone");
  set_aside_ = std::max(set_aside_, down(size_));
  size_ = base_ = used_ = dirty_from_ = dirty_to_ = 0;
  started_over_ = true;
  return {};
}

result<std::uint64_t> direct_file::size() const {
  std::lock_guard guard{mutex_};
  return size_;
}

} // namespace troupe
