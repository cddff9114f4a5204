#include "core/content_class.hpp"

#include "core/placement.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

TEST_CASE("a class is named by what it keeps, and every name is read back") {
  CHECK(content_class_named("default").value().by_size());
  CHECK(content_class_named("replica(2)").value() == content_class{1, 1});
  CHECK(content_class_named("replica(9)").value() == content_class{1, 8});
  CHECK(content_class_named("erasure(2,1)").value() == content_class{2, 1});
  CHECK(content_class_named("erasure(16,4)").value() == content_class{16, 4});
  for (const auto* name : {"default", "replica(2)", "replica(5)", "erasure(4,2)", "erasure(12,8)"})
    CHECK(name_of(content_class_named(name).value()) == name);
}

TEST_CASE("what is no class is refused with those that there are") {
  for (const auto* text : {"", "replica", "replica()", "replica(1)", "replica(10)", "replica(3", "replica(3,1)",
         "replica(-3)", "replica( 3)", "erasure(4)", "erasure(1,2)", "erasure(4,0)", "erasure(17,1)", "erasure(4,9)",
         "erasure(16,5)", "erasure(4,2,1)", "erasure(4,2) ", "erasure(4294967298,2)", "volume", "Default"}) {
    INFO(text);
    auto c = content_class_named(text);
    REQUIRE(!c);
    CHECK(c.error().code == ec::bad_argument);
    CHECK(c.error().message.find("erasure(k,m)") != std::string::npos);
  }
}

TEST_CASE("durabilities by name") {
  for (auto d : {durability::first, durability::quorum, durability::all})
    CHECK(durability_named(name_of(d)).value() == d);
  CHECK(durability_named("sync").error().code == ec::bad_argument);
}

TEST_CASE("a cluster must have the nodes, and async must have copies") {
  const auto erasure = content_class_named("erasure(4,2)").value(), copies = content_class_named("replica(3)").value();
  CHECK(check({}, 1));
  CHECK(check({.shape = erasure}, 6));
  CHECK(check({.shape = erasure}, 5).error().message.find("needs 6 storage nodes; there are 5") != std::string::npos);
  CHECK(check({.shape = copies, .durability = durability::first}, 3));
  CHECK(check({.shape = erasure, .durability = durability::first}, 6).error().code == ec::bad_argument);
  CHECK(check({.shape = {}, .durability = durability::first}, 6).error().code == ec::bad_argument);
  CHECK(check({.shape = erasure, .durability = durability::all}, 6));
}

TEST_CASE("a bucket's class decides the geometry, and without one size and nodes do") {
  const redundancy how{.piece_bytes = 1000};
  const node_counts ten{10, 10};
  CHECK(geometry_of({}, ten, 1 << 20, how) == default_geometry(ten, 1 << 20, how));
  CHECK(geometry_of({4, 2}, ten, 1 << 20, how) == stripe_geometry{4, 2, 1000});
  CHECK(geometry_of({4, 2}, ten, 10, how) == stripe_geometry{4, 2, 1000}); // small content too
  CHECK(geometry_of({1, 1}, ten, 1 << 20, how) == stripe_geometry{1, 1, 1000});
  CHECK(geometry_of({4, 2}, {10, 3}, 10, how) == stripe_geometry{4, 2, 1000}); // too few: refused when it starts
}
