#include "codec/content_seal.hpp"

#include "codec/text.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::content_seal;

namespace {

const data_key key{{std::byte{7}}};
const std::string salt(salt_bytes, 's');

std::string text_of(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + i % 23 + i / 65536);
  return text;
}

cipher cipher_of(std::uint64_t bytes, const data_key& k = key, const std::string& with = salt) {
  return {k, as_bytes(with), bytes};
}

// Each frame as it is at rest.
std::vector<std::string> sealed(const std::string& text) {
  auto c = cipher_of(text.size());
  std::vector<std::string> frames;
  for (std::uint64_t i = 0; i < c.frames(); ++i) {
    auto n = c.plain_bytes_of(i);
    std::string to(n + tag_bytes, '\0');
    REQUIRE(c.seal(i, as_bytes(std::string_view{text}.substr(i * frame_bytes, n)),
      bytes_span{reinterpret_cast<std::byte*>(to.data()), to.size()}));
    frames.push_back(std::move(to));
  }
  return frames;
}

result<std::string> opened(cipher c, std::uint64_t frame, const std::string& bytes) {
  std::string to(frame_bytes, '\0');
  if (auto ok = c.open(frame, as_bytes(bytes), bytes_span{reinterpret_cast<std::byte*>(to.data()), to.size()}); !ok)
    return ok.error();
  to.resize(c.plain_bytes_of(frame));
  return to;
}

} // namespace

TEST_CASE("content of any length comes back, and nothing of it is seen at rest") {
  for (std::size_t n :
    {std::size_t{1}, std::size_t{100}, frame_bytes - 1, frame_bytes, frame_bytes + 1, 3 * frame_bytes}) {
    const auto text = text_of(n);
    const auto frames = sealed(text);
    std::string all, at_rest;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      all += opened(cipher_of(n), i, frames[i]).value();
      at_rest += frames[i];
    }
    CHECK(all == text);
    CHECK(at_rest.size() == sealed_bytes(n));
    if (n >= 100) CHECK(at_rest.find(text.substr(0, 16)) == std::string::npos);
  }
  CHECK(sealed_bytes(0) == 0);
}

TEST_CASE("a frame that was changed, moved, shortened, or is of other content does not open") {
  const auto n = 2 * frame_bytes + 5;
  const auto frames = sealed(text_of(n));
  for (std::size_t at : {std::size_t{0}, std::size_t{4}, frames[2].size() - 1}) {
    auto changed = frames[2];
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(opened(cipher_of(n), 2, changed).error().code == ec::corrupt);
  }
  CHECK(opened(cipher_of(n), 0, frames[1]).error().code == ec::corrupt); // moved
  CHECK(opened(cipher_of(n), 2, frames[2].substr(1)).error().code == ec::corrupt);
  CHECK(opened(cipher_of(n), 2, {}).error().code == ec::corrupt);
  CHECK(opened(cipher_of(n), 3, frames[2]).error().code == ec::corrupt);               // behind the end
  CHECK(opened(cipher_of(2 * frame_bytes), 1, frames[1]).error().code == ec::corrupt); // the end was cut off
  CHECK(opened(cipher_of(n, data_key{}), 0, frames[0]).error().code == ec::corrupt);
  CHECK(opened(cipher_of(n, key, std::string(salt_bytes, 't')), 0, frames[0]).error().code == ec::corrupt);
  CHECK(opened(cipher_of(n), 0, frames[0]));
}

TEST_CASE("keys are told apart by what says nothing about them") {
  CHECK(key.id().size() == 8);
  CHECK(key.id() == data_key{key}.id());
  CHECK(key.id() != data_key{}.id());
  CHECK(as_text(bytes_view{key.raw}).find(key.id()) == std::string_view::npos);
}

TEST_CASE("a range is in the frames that hold it") {
  constexpr auto f = std::uint64_t{frame_bytes}, s = f + tag_bytes;
  const auto size = 3 * f + 10;
  struct row {
    std::uint64_t offset, length, first, from, bytes;
    std::size_t skip;
  };
  for (const auto& r :
    {row{0, 1, 0, 0, s, 0}, row{0, size, 0, 0, 3 * s + 10 + tag_bytes, 0}, row{f - 1, 1, 0, 0, s, f - 1},
      row{f - 1, 2, 0, 0, 2 * s, f - 1}, row{f, f, 1, s, s, 0}, row{3 * f + 9, 1, 3, 3 * s, 10 + tag_bytes, 9}}) {
    CAPTURE(r.offset, r.length);
    const auto found = frames_of(size, r.offset, r.length);
    CHECK(found.first_frame == r.first);
    CHECK(found.offset == r.from);
    CHECK(found.length == r.bytes);
    CHECK(found.skip == r.skip);
  }
}
