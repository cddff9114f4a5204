// replace_file and read_file: small files that are always whole. The caller serialises replacements of one path.

#include "store/disk.hpp"

namespace troupe {

result<> replace_file(disk& d, const std::string& path, bytes_view content) {
  auto aside = path + ".new"; // left over by a crash: overwritten by the next replacement
  auto file = d.open(aside, disk::open_mode::create);
  if (!file) return std::move(file).error();
  TROUPE_TRY((*file)->truncate(0));
  TROUPE_TRY((*file)->write_at(0, std::span{&content, 1}));
  TROUPE_TRY((*file)->sync());
  TROUPE_TRY(d.rename(aside, path));
  auto slash = path.rfind('/');
  return d.sync_directory(slash == std::string::npos ? "" : path.substr(0, slash));
}

result<std::string> read_file(disk& d, const std::string& path, std::uint64_t bytes_max) {
  auto file = d.open(path, disk::open_mode::existing);
  if (!file) return std::move(file).error();
  auto size = (*file)->size();
  if (!size) return std::move(size).error();
  if (*size > bytes_max)
    return fail(ec::too_large, path + " has " + std::to_string(*size) + " bytes, over " + std::to_string(bytes_max));
  std::string content(static_cast<std::size_t>(*size), '\0');
  TROUPE_TRY((*file)->read_at(0, std::as_writable_bytes(std::span{content})));
  return content;
}

} // namespace troupe
