#include "store/log_seal.hpp"

#include "store/disk.hpp"

#include <algorithm>
#include <vector>

namespace troupe {

result<> seal_log(disk& files, const std::string& directory) {
  const auto from = directory + "/wal.active", aside = directory + "/wal.sealing";
  auto there = files.exists(from);
  if (!there) return std::move(there).error();
  if (!*there) return {};
  auto source = files.open(from, disk::open_mode::existing);
  if (!source) return std::move(source).error();
  auto bytes = (*source)->size();
  if (!bytes) return std::move(bytes).error();
  TROUPE_TRY(files.remove(aside)); // of a seal that crashed: somebody may have it open as well
  auto copy = files.open(aside, disk::open_mode::create);
  if (!copy) return std::move(copy).error();
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < *bytes;) {
    auto piece =
      bytes_span{buffer}.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), *bytes - at)));
    TROUPE_TRY((*source)->read_at(at, piece));
    bytes_view view{piece};
    TROUPE_TRY((*copy)->write_at(at, {&view, 1}));
    at += piece.size();
  }
  TROUPE_TRY((*copy)->sync());
  TROUPE_TRY(files.rename(aside, from));
  return files.sync_directory(directory);
}

} // namespace troupe
