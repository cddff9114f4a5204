// page_pool: 8 KiB buffers for request heads (and a small body in the same read). Beyond a small cache a free page
// gives its memory back to the kernel, so that thousands of idle connections cost no head buffers. One thread.
#pragma once

#include <cstddef>
#include <vector>

namespace troupe::http {

class page_pool {
public:
  static constexpr std::size_t page_bytes = 8192;

  page_pool() = default;
  page_pool(const page_pool&) = delete;
  page_pool& operator=(const page_pool&) = delete;
  ~page_pool();

  char* take();
  void give(char* page);

private:
  static constexpr std::size_t slab_pages = 32;
  static constexpr std::size_t cached_pages = 256;
  std::vector<char*> slabs_, free_;
};

} // namespace troupe::http
