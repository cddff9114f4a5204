#include "store/text_file.hpp"

#include "store/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace troupe;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

std::size_t entries(const std::string& path) {
  return static_cast<std::size_t>(
    std::distance(std::filesystem::directory_iterator{path}, std::filesystem::directory_iterator{}));
}

} // namespace

TEST_CASE("a text file is made once, with its mode, and read back") {
  test::temporary_directory t;
  auto before = ::umask(0022);
  auto secret = t.path() + "/secret", open = t.path() + "/open";
  REQUIRE(make_text_file(secret, "one\ntwo\n", readable_by::owner).has_value());
  REQUIRE(make_text_file(open, "", readable_by::everybody).has_value());
  ::umask(before);
  CHECK(mode_of(secret) == 0600);
  CHECK(mode_of(open) == 0644);
  CHECK(*read_text_file(secret, 100) == "one\ntwo\n");
  CHECK(read_text_file(open, 100)->empty());
  CHECK(entries(t.path()) == 2); // nothing is left aside
}

TEST_CASE("a text file that is there is not overwritten") {
  test::temporary_directory t;
  auto path = t.path() + "/file";
  REQUIRE(make_text_file(path, "first", readable_by::owner).has_value());
  auto again = make_text_file(path, "second", readable_by::owner);
  REQUIRE(again.has_error());
  CHECK(again.error().code == ec::conflict);
  CHECK(again.error().message == path + ": is already there");
  CHECK(*read_text_file(path, 100) == "first");
  CHECK(entries(t.path()) == 1);
}

TEST_CASE("what cannot be read or made is named") {
  test::temporary_directory t;
  auto missing = read_text_file(t.path() + "/missing", 100);
  REQUIRE(missing.has_error());
  CHECK(missing.error() == fail(ec::not_found, t.path() + "/missing: no such file"));
  CHECK(read_text_file(t.path(), 100).error() == fail(ec::io_error, t.path() + ": is a directory"));
  REQUIRE(make_text_file(t.path() + "/long", "0123456789", readable_by::owner).has_value());
  CHECK(read_text_file(t.path() + "/long", 10).has_value());
  CHECK(read_text_file(t.path() + "/long", 9).error().code == ec::too_large);
  auto nowhere = make_text_file(t.path() + "/no/such/folder", "x", readable_by::owner);
  REQUIRE(nowhere.has_error());
  CHECK(nowhere.error().message.starts_with(t.path() + "/no/such/folder: cannot make: No such file"));
}
