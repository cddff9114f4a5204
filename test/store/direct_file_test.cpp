// A file that is written past the page cache reads like any other: whatever is written where, cut, synced or reopened.

#include "log_model.hpp"
#include "temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <random>

using namespace troupe;
using namespace troupe::test;

namespace {

std::string read_all(const disk_file& f, std::size_t n) {
  std::string out(n, '\0');
  REQUIRE(f.read_at(0, std::as_writable_bytes(std::span{out})));
  return out;
}

// Content that names its place, so that bytes from elsewhere show.
std::string random_text(std::mt19937_64& random, std::size_t n) {
  std::string s(n, '\0');
  for (auto& c : s) c = static_cast<char>(random());
  return s;
}

} // namespace

TEST_CASE("a directly written file is a file") {
  temporary_directory directory;
  auto d = make_posix_disk(directory.path());
  auto seed = GENERATE(range(1, 13));
  CAPTURE(seed);
  std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
  auto below = [&](std::uint64_t n) { return random() % n; };
  auto file = d->open_direct("f", disk::open_mode::create).value();
  std::string model;
  bool left_over = false; // the file holds more than its users see
  for (int step = 0; step < 120; ++step) {
    switch (below(9)) {
    case 0: REQUIRE(file->sync()); break;
    case 1: { // cut, or grow by zeros
      auto to = below(model.size() + 3000);
      REQUIRE(file->truncate(to));
      model.resize(to);
      left_over = false;
      break;
    }
    case 2: { // anywhere
      auto at = below(model.size() + 2000);
      auto text = random_text(random, below(9000));
      auto view = as_bytes(text);
      REQUIRE(file->write_at(at, {&view, 1}));
      if (text.empty()) break;
      model.resize(std::max(model.size(), at + text.size()));
      model.replace(at, text.size(), text);
      break;
    }
    case 3: { // a part is read
      auto at = below(model.size() + 1);
      std::string part(below(model.size() - at + 1), '\0');
      REQUIRE(file->read_at(at, std::as_writable_bytes(std::span{part})));
      REQUIRE(part == model.substr(at, part.size()));
      break;
    }
    case 4:
      if (below(4) == 0) { // closed and opened again: padding may lie behind
        if (left_over) REQUIRE(file->truncate(model.size()));
        left_over = false;
        file.reset();
        file = d->open_direct("f", disk::open_mode::existing).value();
        REQUIRE(file->size().value() >= model.size());
        REQUIRE(file->size().value() < model.size() + 4096);
        REQUIRE(file->truncate(model.size()));
      }
      break;
    case 5:
      if (below(4) == 0) { // empty for its users
        REQUIRE(file->start_over());
        model.clear();
        left_over = true;
      }
      break;
    default: { // the usual: at the end, in two buffers
      auto text = random_text(random, below(step % 10 == 0 ? 5'000'000 : 70'000));
      auto first = below(text.size() + 1);
      std::vector<bytes_view> parts{as_bytes(text).first(first), as_bytes(text).subspan(first)};
      REQUIRE(file->write_at(model.size(), parts));
      model += text;
    }
    }
    REQUIRE(file->size().value() == model.size());
  }
  REQUIRE(read_all(*file, model.size()) == model);
  std::string past(1, '\0');
  CHECK(file->read_at(model.size(), std::as_writable_bytes(std::span{past})).error().code == ec::corrupt);
  if (left_over) REQUIRE(file->truncate(model.size()));
  REQUIRE(file->sync());
  CHECK(read_file(*d, "f", model.size() + 4096).value().substr(0, model.size()) == model);
}

// What a kill -9 leaves is what the files hold: the window is lost, its blocks that were written are not.
TEST_CASE("a log that is written directly keeps what was synced, at any moment") {
  auto seed = GENERATE(range(1, 7));
  CAPTURE(seed);
  std::mt19937_64 random{static_cast<std::uint64_t>(seed)};
  temporary_directory directory;
  auto d = make_posix_disk(directory.path());
  log_options options;
  options.directory = "log";
  options.direct = true;
  options.segment_bytes = 3'000'000;
  std::vector<std::string> appended;
  std::size_t synced = 0;
  auto l = open_log(*d, options).value();
  auto check_copy = [&] {
    temporary_directory copy;
    std::filesystem::copy(directory.path(), copy.path(), std::filesystem::copy_options::recursive);
    auto other = make_posix_disk(copy.path());
    std::vector<seen_record> seen;
    auto opened = open_log(*other, options, {}, &seen);
    REQUIRE(opened);
    REQUIRE((*opened)->damage().empty());
    REQUIRE(seen.size() >= synced);
    REQUIRE(seen.size() <= appended.size());
    for (std::size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i].payload == appended[i]);
    REQUIRE(append(**opened, 1, "goes on")); // and again after the next start
    REQUIRE((*opened)->sync());
    opened->reset();
    seen.clear();
    REQUIRE(open_log(*other, options, {}, &seen));
    REQUIRE(seen.back().payload == "goes on");
  };
  for (int step = 0; step < 200; ++step) {
    auto bytes = random() % 4 == 0 ? random() % 700'000 : random() % 5000;
    appended.push_back(random_text(random, bytes));
    auto at = append(*l, appended.size(), appended.back());
    REQUIRE(at);
    if (random() % 5 == 0) {
      REQUIRE(l->sync());
      synced = appended.size();
    }
    if (random() % 8 == 0) {
      auto got = l->read(*at); // from the window, the disk, or both
      REQUIRE(got);
      REQUIRE(got->second.text() == appended.back());
    }
    if (random() % 20 == 0) check_copy();
    if (random() % 50 == 0) { // an orderly stop
      REQUIRE(l->sync());
      synced = appended.size();
      l.reset();
      std::vector<seen_record> seen;
      l = open_log(*d, options, {}, &seen).value();
      REQUIRE(seen.size() == appended.size());
    }
  }
  check_copy();
}

TEST_CASE("a sync that outlives its log does not touch what the next one appended") {
  temporary_directory directory;
  auto d = make_posix_disk(directory.path());
  log_options options;
  options.directory = "log";
  options.direct = true;
  auto first = open_log(*d, options).value();
  REQUIRE(append(*first, 1, "first"));
  auto ticket = first->prepare_sync();
  first.reset();
  std::vector<seen_record> seen;
  auto second = open_log(*d, options, {}, &seen).value();
  REQUIRE(seen.size() == 1); // an orderly end writes what it has
  REQUIRE(append(*second, 2, "second"));
  REQUIRE(second->sync());
  REQUIRE(ticket.run());
  second.reset();
  seen.clear();
  REQUIRE(open_log(*d, options, {}, &seen));
  REQUIRE(seen.size() == 2);
  CHECK(seen[1].payload == "second");
}

TEST_CASE("a directly written file lets go when its writer does") {
  temporary_directory directory;
  auto d = make_posix_disk(directory.path());
  auto file = d->open_direct("f", disk::open_mode::create).value();
  std::string text = "some bytes";
  auto view = as_bytes(text);
  REQUIRE(file->write_at(0, {&view, 1}));
  file->detach();
  CHECK(read_all(*file, text.size()) == text);
  CHECK(file->write_at(0, {&view, 1}).error().code == ec::closed);
  CHECK(file->truncate(0).error().code == ec::closed);
  CHECK(file->sync());
}
