#include "api/s3/ranges.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::s3;
using enum range_choice::kind;

TEST_CASE("a Range header chooses bytes as RFC 9110 says, and nonsense chooses the whole object") {
  struct row {
    const char* header;
    std::uint64_t size;
    range_choice want;
  };
  for (const auto& r : {
         row{"", 10, {whole, {0, 10}}},
         row{"bytes=0-4", 10, {part, {0, 5}}},
         row{"bytes=0-0", 10, {part, {0, 1}}},
         row{"bytes=9-9", 10, {part, {9, 1}}},
         row{"bytes=5-", 10, {part, {5, 5}}},
         row{"bytes=5-100", 10, {part, {5, 5}}},
         row{"bytes=0-99999999999999999999999", 10, {part, {0, 10}}},
         row{"bytes=-3", 10, {part, {7, 3}}},
         row{"bytes=-10", 10, {part, {0, 10}}},
         row{"bytes=-11", 10, {part, {0, 10}}},
         row{"Bytes = 1 - 2", 10, {part, {1, 2}}},
         row{"bytes=10-", 10, {unsatisfiable, {}}},
         row{"bytes=10-12", 10, {unsatisfiable, {}}},
         row{"bytes=99999999999999999999999-", 10, {unsatisfiable, {}}},
         row{"bytes=-0", 10, {unsatisfiable, {}}},
         row{"bytes=0-", 0, {unsatisfiable, {}}},
         row{"bytes=-5", 0, {unsatisfiable, {}}},
         row{"bytes=5-2", 10, {whole, {0, 10}}},
         row{"bytes=a-b", 10, {whole, {0, 10}}},
         row{"bytes=1-b", 10, {whole, {0, 10}}},
         row{"bytes=-", 10, {whole, {0, 10}}},
         row{"bytes=", 10, {whole, {0, 10}}},
         row{"bytes", 10, {whole, {0, 10}}},
         row{"items=0-4", 10, {whole, {0, 10}}},
         row{"bytes=0-1,3-4", 10, {whole, {0, 10}}},
         row{"bytes=+1-2", 10, {whole, {0, 10}}},
         row{"bytes=--2", 10, {whole, {0, 10}}},
       }) {
    INFO(r.header << " of " << r.size);
    CHECK((choose_range(r.header, r.size) == r.want));
  }
}

TEST_CASE("a copy range names both ends, inside the source") {
  CHECK((*copy_range("bytes=0-9", 10) == byte_range{0, 10}));
  CHECK((*copy_range("bytes=3-3", 10) == byte_range{3, 1}));
  CHECK(copy_range("bytes=0-10", 10).error().code == ec::invalid_range);
  for (auto bad : {"bytes=0-", "bytes=-1", "0-1", "bytes=2-1", "", "bytes=0-1,2-3"}) {
    INFO(bad);
    CHECK(copy_range(bad, 10).error().code == ec::invalid_argument);
  }
}

TEST_CASE("Content-Range names first, last and size") {
  CHECK(content_range({0, 5}, 10) == "bytes 0-4/10");
  CHECK(unsatisfied_range(10) == "bytes */10");
}
