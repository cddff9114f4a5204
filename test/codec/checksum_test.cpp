#include "codec/checksum.hpp"
#include "codec/text.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

using namespace troupe;

namespace {

// Bit by bit, from the definitions: what the fast ones are compared with.
template <class Word>
Word reference(bytes_view in, Word poly) {
  Word crc = static_cast<Word>(~Word{0});
  for (auto b : in) {
    crc = static_cast<Word>(crc ^ std::to_integer<Word>(b));
    for (int i = 0; i < 8; ++i) crc = static_cast<Word>((crc >> 1) ^ (crc & 1 ? poly : 0));
  }
  return static_cast<Word>(~crc);
}
std::uint32_t reference_crc32(bytes_view in) { return reference<std::uint32_t>(in, 0xedb88320); }
std::uint32_t reference_crc32c(bytes_view in) { return reference<std::uint32_t>(in, 0x82f63b78); }
std::uint64_t reference_crc64(bytes_view in) { return reference<std::uint64_t>(in, 0x9a6c9329ac4bc9b5); }

std::vector<std::byte> random_bytes(std::size_t n, unsigned seed) {
  std::mt19937 random{seed};
  std::vector<std::byte> out(n);
  for (auto& b : out) b = static_cast<std::byte>(random());
  return out;
}

checksum_set all_kinds() {
  checksum_set all;
  for (std::size_t i = 0; i < checksum_kinds; ++i) all.add(static_cast<checksum_kind>(i));
  return all;
}

} // namespace

TEST_CASE("the CRCs have their catalogued check values") {
  auto check = as_bytes("123456789");
  CHECK(crc32(check) == 0xcbf43926);
  CHECK(crc32c(check) == 0xe3069283);
  CHECK(crc64nvme(check) == 0xae8b14860a799888);
  CHECK(crc32({}) == 0);
  CHECK(crc32c({}) == 0);
  CHECK(crc64nvme({}) == 0);
  // NVMe base specification: 4096 bytes of zero and of one.
  CHECK(crc64nvme(std::vector<std::byte>(4096)) == 0x6482d367eb22b64e);
  CHECK(crc64nvme(std::vector<std::byte>(4096, std::byte{0xff})) == 0xc0ddba7302eca3ac);
}

TEST_CASE("the CRCs equal their bitwise definition for every short length, at every alignment") {
  auto data = random_bytes(1200, 1);
  auto wrong = 0;
  for (std::size_t n = 0; n <= 1100; ++n) {
    for (std::size_t offset = 0; offset < (n < 300 ? 17u : 3u); ++offset) {
      auto in = bytes_view{data}.subspan(offset, n);
      wrong += crc32(in) != reference_crc32(in);
      wrong += crc32c(in) != reference_crc32c(in);
      wrong += crc64nvme(in) != reference_crc64(in);
    }
  }
  CHECK(wrong == 0);
  auto big = random_bytes((1u << 20) + 13, 2);
  CHECK(crc64nvme(big) == reference_crc64(big));
}

TEST_CASE("a CRC can be continued at any place, and combined from any two halves") {
  auto data = random_bytes(3000, 3);
  std::mt19937 random{4};
  for (int round = 0; round < 400; ++round) {
    auto whole = bytes_view{data}.first(random() % (data.size() + 1));
    auto cut = random() % (whole.size() + 1);
    auto a = whole.first(cut), b = whole.subspan(cut);
    CAPTURE(whole.size(), cut);
    CHECK(crc32(b, crc32(a)) == crc32(whole));
    CHECK(crc32c(b, crc32c(a)) == crc32c(whole));
    CHECK(crc64nvme(b, crc64nvme(a)) == crc64nvme(whole));
    CHECK(crc32_combine(crc32(a), crc32(b), b.size()) == crc32(whole));
    CHECK(crc32c_combine(crc32c(a), crc32c(b), b.size()) == crc32c(whole));
    CHECK(crc64nvme_combine(crc64nvme(a), crc64nvme(b), b.size()) == crc64nvme(whole));
  }
}

TEST_CASE("combining is associative for lengths far beyond memory") {
  auto a = random_bytes(100, 5), b = random_bytes(77, 6);
  std::vector<std::byte> zeros(1 << 10);
  auto middle = crc64nvme(zeros);
  auto middle32 = crc32c(zeros);
  std::uint64_t length = zeros.size();
  for (int i = 0; i < 30; ++i) { // doubles: 2^10 to 2^40 zeros
    middle = crc64nvme_combine(middle, middle, length);
    middle32 = crc32c_combine(middle32, middle32, length);
    length *= 2;
  }
  auto left = crc64nvme_combine(crc64nvme_combine(crc64nvme(a), middle, length), crc64nvme(b), b.size());
  auto right = crc64nvme_combine(crc64nvme(a), crc64nvme_combine(middle, crc64nvme(b), b.size()), length + b.size());
  CHECK(left == right);
  auto left32 = crc32c_combine(crc32c_combine(crc32c(a), middle32, length), crc32c(b), b.size());
  auto right32 = crc32c_combine(crc32c(a), crc32c_combine(middle32, crc32c(b), b.size()), length + b.size());
  CHECK(left32 == right32);
}

TEST_CASE("digests and HMAC have their published values") {
  CHECK(hex_encode(md5(as_bytes("abc"))) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hex_encode(sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_encode(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_encode(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, cases 1, 2 and 6 (a key longer than a block).
  CHECK(hex_encode(hmac_sha256(as_bytes(std::string(20, '\x0b')), as_bytes("Hi There"))) ==
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex_encode(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac_sha256(
          as_bytes(std::string(131, '\xaa')), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("a digest may be fed in any pieces and is used again after finish") {
  auto data = random_bytes(5000, 6);
  digest d{digest_kind::sha256};
  for (std::size_t step : {1u, 63u, 64u, 1000u, 5000u}) {
    for (std::size_t i = 0; i < data.size(); i += step)
      d.add(bytes_view{data}.subspan(i, std::min(step, data.size() - i)));
    CHECK(d.finish() == as_text(sha256(data)));
  }
  CHECK(d.finish() == as_text(sha256({})));
}

TEST_CASE("comparison in constant time is comparison") {
  CHECK(equal_constant_time("", ""));
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
  CHECK_FALSE(equal_constant_time("abc", "abcd"));
}

TEST_CASE("checksum names are S3's, in any case") {
  for (std::size_t i = 0; i < checksum_kinds; ++i) {
    auto k = static_cast<checksum_kind>(i);
    CHECK(checksum_kind_named(name_of(k)) == k);
  }
  CHECK(checksum_kind_named("crc64nvme") == checksum_kind::crc64nvme);
  CHECK(checksum_kind_named("Sha256") == checksum_kind::sha256);
  for (auto bad : {"", "CRC", "CRC322", "MD5", "SHA-1"}) CHECK_FALSE(checksum_kind_named(bad));
}

TEST_CASE("wanted checksums are computed side by side as raw big-endian bytes, and no others") {
  checksum_state state{all_kinds()};
  state.add(as_bytes("1234"));
  state.add(as_bytes("56789"));
  auto values = state.finish();
  CHECK(hex_encode(values.get(checksum_kind::crc32)) == "cbf43926");
  CHECK(hex_encode(values.get(checksum_kind::crc32c)) == "e3069283");
  CHECK(hex_encode(values.get(checksum_kind::crc64nvme)) == "ae8b14860a799888");
  CHECK(values.get(checksum_kind::sha1) == as_text(sha1(as_bytes("123456789"))));
  CHECK(values.get(checksum_kind::sha256) == as_text(sha256(as_bytes("123456789"))));
  for (std::size_t i = 0; i < checksum_kinds; ++i)
    CHECK(values.get(static_cast<checksum_kind>(i)).size() == raw_bytes(static_cast<checksum_kind>(i)));
  CHECK(hex_encode(state.finish().get(checksum_kind::crc32)) == "00000000"); // started anew

  checksum_set one;
  one.add(checksum_kind::crc32c);
  checksum_state single{one};
  single.add(as_bytes("123456789"));
  auto v = single.finish();
  CHECK(v.get(checksum_kind::crc32).empty());
  CHECK(v.get(checksum_kind::sha256).empty());
  CHECK_FALSE(v.get(checksum_kind::crc32c).empty());
}

TEST_CASE("a multipart object's composite checksum is over the parts' values, its full one over the content") {
  auto data = random_bytes(10'000, 8);
  std::size_t cuts[] = {0, 5000, 5000, 9999, 10'000}; // one empty part
  for (std::size_t i = 0; i < checksum_kinds; ++i) {
    auto kind = static_cast<checksum_kind>(i);
    checksum_set one;
    one.add(kind);
    std::vector<std::string> raw;
    std::vector<part_checksum> parts;
    std::string together;
    for (std::size_t p = 0; p + 1 < std::size(cuts); ++p) {
      checksum_state state{one};
      state.add(bytes_view{data}.subspan(cuts[p], cuts[p + 1] - cuts[p]));
      raw.push_back(state.finish().get(kind));
      parts.push_back({raw.back(), cuts[p + 1] - cuts[p]});
      together += raw.back();
    }
    checksum_state over_values{one}, over_content{one};
    over_values.add(as_bytes(together));
    over_content.add(data);
    CHECK(composite_checksum(kind, raw) == over_values.finish().get(kind));
    auto full = full_object_checksum(kind, parts);
    if (kind == checksum_kind::sha1 || kind == checksum_kind::sha256) {
      REQUIRE(full.has_error());
      CHECK(full.error().code == ec::bad_argument);
    } else {
      REQUIRE(full.has_value());
      CHECK(*full == over_content.finish().get(kind));
      parts[0].raw.pop_back();
      CHECK(full_object_checksum(kind, parts).has_error());
    }
  }
}
