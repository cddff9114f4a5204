#include "api/http/page_pool.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace troupe::http {

page_pool::~page_pool() {
  for (auto* slab : slabs_) std::free(slab);
}

char* page_pool::take() {
  if (free_.empty()) {
    auto* slab = static_cast<char*>(std::aligned_alloc(page_bytes, page_bytes * slab_pages));
    if (slab == nullptr) throw std::bad_alloc{};
    slabs_.push_back(slab);
    for (std::size_t i = 0; i < slab_pages; ++i) free_.push_back(slab + i * page_bytes);
  }
  auto* page = free_.back();
  free_.pop_back();
  return page;
}

void page_pool::give(char* page) {
  if (free_.size() > cached_pages) ::madvise(page, page_bytes, MADV_DONTNEED);
  free_.push_back(page);
}

} // namespace troupe::http
