#include "store/text_file.hpp"

#include "store/posix_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace troupe {
namespace {

error failed(const char* what, const std::string& path) {
  return fail(ec::io_error, path + ": cannot " + what + ": " + std::strerror(errno));
}

result<> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return failed("sync", path);
  return {};
}

} // namespace

result<std::string> read_text_file(const std::string& path, std::uint64_t bytes_max) {
  std::error_code unseen;
  auto kind = std::filesystem::status(path, unseen).type();
  if (kind == std::filesystem::file_type::not_found) return fail(ec::not_found, path + ": no such file");
  if (kind == std::filesystem::file_type::directory) return fail(ec::io_error, path + ": is a directory");
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in) return failed("open", path);
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return failed("read", path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max)
    return fail(ec::too_large, path + ": has more than " + std::to_string(bytes_max) + " bytes");
  return text;
}

bool is_readable_by_everybody(const std::string& path) {
  std::error_code unseen;
  auto rights = std::filesystem::status(path, unseen).permissions();
  return !unseen && (rights & std::filesystem::perms::others_read) != std::filesystem::perms::none;
}

result<> make_text_file(const std::string& path, std::string_view content, readable_by who) {
  auto aside = path + "." + std::to_string(::getpid()) + ".new";
  ::unlink(aside.c_str()); // of a process that had this number and was killed
  descriptor fd{
    ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, who == readable_by::owner ? 0600 : 0644)};
  if (fd.get() < 0) return failed("make", path);
  auto done = write_all(fd.get(), content, path);
  // A link, not a rename: it fails when the name is taken.
  if (done && ::link(aside.c_str(), path.c_str()) != 0)
    done = errno == EEXIST ? fail(ec::conflict, path + ": is already there") : failed("make", path);
  ::unlink(aside.c_str());
  TROUPE_TRY(done);
  auto folder = std::filesystem::path{path}.parent_path();
  descriptor directory{::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || (::fsync(directory.get()) != 0 && errno != EINVAL))
    return failed("sync the directory of", path);
  return {};
}

} // namespace troupe
