#include "api/http/chunked.hpp"

#include <catch2/catch.hpp>

#include <string>

using troupe::http::chunked_decoder;

namespace {

struct decoded {
  std::string data, rest;
  bool done = false, bad = false;
};

// Feeds `piece` bytes at a time, as a socket might.
decoded decode(std::string_view all, std::size_t piece) {
  chunked_decoder d;
  decoded out;
  while (!all.empty() && !d.done() && !d.bad()) {
    auto now = all.substr(0, piece);
    std::size_t used = 0;
    if (auto ahead = d.data_left(); ahead != 0) {
      used = static_cast<std::size_t>(std::min<std::uint64_t>(ahead, now.size()));
      out.data += now.substr(0, used);
      d.took(used);
    } else {
      used = d.put(now);
    }
    all.remove_prefix(used);
  }
  out.rest = all;
  out.done = d.done();
  out.bad = d.bad();
  return out;
}

} // namespace

TEST_CASE("chunked framing is decoded however it is cut into pieces") {
  std::string all =
    "5\r\nhello\r\n00001;name=\"value\"\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET /next";
  for (std::size_t piece : {1, 2, 3, 7, 1000}) {
    auto d = decode(all, piece);
    CHECK(d.done);
    CHECK(d.data == "hello 0123456789");
    CHECK(d.rest == "GET /next");
  }
  CHECK(decode("0\r\n\r\n", 1).done);
}

TEST_CASE("chunked framing that could be read in two ways is refused") {
  for (std::string_view s :
    {"\r\n", "g\r\n", "-1\r\n", "0x5\r\nhello\r\n", "5 \r\nhello\r\n", " 5\r\nhello\r\n", "5\nhello\n0\n\n", "5\rhello",
      "5\r\nhelloX\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\rX", "10000000000000000\r\n", "0\r\n Folded: x\r\n\r\n",
      "0\r\nT: x\n\r\n", "0\r\n\rX", "5;a=\nb\r\nhello\r\n", "5;\x01\r\n"}) {
    auto d = decode(s, 1);
    INFO(s);
    CHECK(d.bad);
    CHECK(!d.done);
  }
  auto nul = decode(std::string_view{"5;\0\r\n", 5}, 1);
  CHECK(nul.bad);
}

TEST_CASE("extensions and trailers of a chunked body are bounded") {
  CHECK(decode("1;" + std::string(chunked_decoder::extension_bytes_max, 'e') + "\r\nx\r\n0\r\n\r\n", 100).done);
  CHECK(decode("1;" + std::string(chunked_decoder::extension_bytes_max + 1, 'e') + "\r\nx\r\n0\r\n\r\n", 100).bad);
  std::string trailers;
  while (trailers.size() <= chunked_decoder::trailer_bytes_max + 200) trailers += "A: b\r\n";
  CHECK(decode("0\r\n" + trailers + "\r\n", 100).done); // line ends do not count
  CHECK(decode("0\r\n" + trailers + trailers + "\r\n", 100).bad);
}

TEST_CASE("a chunk may be as large as 64 bits allow") {
  chunked_decoder d;
  CHECK(d.put("ffffffffffffffff\r\n") == 18);
  CHECK(d.data_left() == ~std::uint64_t{0});
}
