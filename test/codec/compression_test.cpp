#include "codec/compression.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace troupe;

namespace {

std::string text(std::size_t n) {
  std::string all;
  for (std::size_t i = 0; all.size() < n; ++i) all += "line " + std::to_string(i * i) + " of a text\n";
  all.resize(n);
  return all;
}
std::string noise(std::size_t n) {
  std::mt19937 random{7};
  std::string all(n, '\0');
  for (auto& c : all) c = static_cast<char>(random());
  return all;
}

result<std::string> decompressed(std::string_view packed, std::size_t in_step, std::size_t out_step) {
  decompressor d;
  std::string all;
  std::vector<std::byte> buffer(out_step);
  while (!packed.empty()) {
    auto in = as_bytes(packed.substr(0, in_step));
    const auto given = in.size();
    auto n = d.next(in, buffer);
    if (!n) return n.error();
    all += as_text(bytes_view{buffer}.first(*n));
    packed.remove_prefix(given - in.size());
    if (*n == 0 && given == in.size()) break;
  }
  for (;;) { // what is held back
    bytes_view none;
    if (d.at_end()) return all;
    auto n = d.next(none, buffer);
    if (!n) return n.error();
    if (*n == 0) return fail(ec::corrupt, "it ends too early");
    all += as_text(bytes_view{buffer}.first(*n));
  }
}

} // namespace

TEST_CASE("text is worth compressing, and noise is not") {
  REQUIRE(worth_compressing(as_bytes(text(64 << 10))));
  REQUIRE_FALSE(worth_compressing(as_bytes(noise(64 << 10))));
  REQUIRE_FALSE(worth_compressing({}));
}

TEST_CASE("what was compressed comes back, in whatever steps") {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, std::size_t{300'000}}) {
    const auto content = text(size);
    const auto packed = compress(as_bytes(content)).value();
    for (std::size_t step : {std::size_t{1}, std::size_t{777}, std::size_t{1} << 20})
      REQUIRE(decompressed(packed, step, 1000).value() == content);
  }
}

TEST_CASE("damaged or cut compressed content is an error") {
  const auto content = text(100'000);
  const auto packed = compress(as_bytes(content)).value();
  REQUIRE_FALSE(decompressed(std::string_view{packed}.substr(0, packed.size() / 2), 1 << 20, 1000));
  REQUIRE_FALSE(decompressed("not zstd at all", 100, 1000));
}
