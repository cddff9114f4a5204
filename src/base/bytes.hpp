// bytes: views of bytes, and chunk, the immutable reference-counted buffer that bulk data travels in.
// A chunk is filled once, then shared between threads and sliced freely; copying one costs a reference count.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

using bytes_view = std::span<const std::byte>;
using bytes_span = std::span<std::byte>;

inline bytes_view as_bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}
inline std::string_view as_text(bytes_view b) noexcept { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

class chunk {
public:
  // No single buffer is larger: what a peer may make us allocate for one message.
  static constexpr std::size_t bytes_max = std::size_t{16} << 20;

  chunk() = default;

  // Allocates n bytes (uninitialised), calls fill(std::byte*, n), and is immutable from then on.
  template <class Fill>
  static chunk make(std::size_t n, Fill&& fill) {
    auto buffer = std::make_shared_for_overwrite<std::byte[]>(n);
    fill(buffer.get(), n);
    return chunk{std::move(buffer), n};
  }
  static chunk copy_of(bytes_view b) {
    return make(b.size(), [&](std::byte* p, std::size_t n) {
      if (n != 0) std::memcpy(p, b.data(), n);
    });
  }
  static chunk copy_of(std::string_view s) { return copy_of(as_bytes(s)); }
  // Adopts a buffer that its owner will not write again (a body was read straight into it).
  static chunk adopt(std::shared_ptr<std::byte[]> buffer, std::size_t n) { return chunk{std::move(buffer), n}; }

  const std::byte* data() const noexcept { return buffer_.get() + offset_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bytes_view view() const noexcept { return {data(), size_}; }
  operator bytes_view() const noexcept { return view(); } // NOLINT(google-explicit-constructor)
  std::string_view text() const noexcept { return as_text(view()); }

  // Precondition: offset + n <= size().
  chunk slice(std::size_t offset, std::size_t n) const {
    chunk c{*this};
    c.offset_ += offset;
    c.size_ = n;
    return c;
  }

  friend bool operator==(const chunk& a, const chunk& b) { return a.text() == b.text(); }

private:
  chunk(std::shared_ptr<const std::byte[]> buffer, std::size_t n) : buffer_(std::move(buffer)), size_(n) {}

  std::shared_ptr<const std::byte[]> buffer_;
  std::size_t offset_ = 0;
  std::size_t size_ = 0;
};

} // namespace troupe
