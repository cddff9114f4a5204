// part_file: a download's file while it is not complete: FILE.part beside FILE, locked against a second download,
// removed unless committed. FILE appears by one rename of complete, synced content.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace troupe::cli {

class part_file {
public:
  // Makes FILE.part (emptied when an earlier run left one) and reserves `bytes` on the disk.
  static result<part_file> create(const std::filesystem::path& final_path, std::uint64_t bytes);
  ~part_file();
  part_file(part_file&&) noexcept;
  part_file& operator=(part_file&&) = delete;

  result<> write_at(std::uint64_t offset, bytes_view); // from any thread
  result<std::size_t> read_at(std::uint64_t offset, bytes_span) const;
  result<> commit(); // fsync, rename, fsync of the folder

private:
  part_file(std::filesystem::path final_path, std::filesystem::path part, int fd)
      : final_(std::move(final_path)), part_(std::move(part)), fd_(fd) {}

  std::filesystem::path final_, part_;
  int fd_ = -1;
};

} // namespace troupe::cli
