#include "core/vacated.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 100};

pb::extent ten_stripes(const std::vector<std::size_t>& nodes) {
  return extent_on(data_id{}, rs, 2950, nodes_numbered(nodes));
}

} // namespace

TEST_CASE("a node that is named no more may forget the content, and nobody else") {
  auto v = vacated_by(ten_stripes({1, 2, 3, 4, 5}), ten_stripes({1, 2, 6, 4, 5})).value();
  REQUIRE(v.removable == std::vector<vacated_node>{{nth_node(3), 982}});
  REQUIRE(v.kept.empty());
  auto same = vacated_by(ten_stripes({1, 2, 3, 4, 5}), ten_stripes({1, 2, 3, 4, 5})).value();
  REQUIRE(same.removable.empty());
}

TEST_CASE("a node that keeps some pieces keeps what moved away from it, and its bytes are told") {
  auto was = unplaced_extent({}, rs, 2950);
  add_placement(was, 0, nodes_numbered({1, 2, 3, 4, 5}));
  auto is = unplaced_extent({}, rs, 2950);
  add_placement(is, 0, nodes_numbered({1, 2, 3, 4, 5}));
  add_placement(is, 7, nodes_numbered({1, 2, 3, 4, 6}));
  auto v = vacated_by(was, is).value();
  REQUIRE(v.removable.empty());
  REQUIRE(v.kept == std::vector<vacated_node>{{nth_node(5), 284}});
  auto swapped = vacated_by(ten_stripes({1, 2, 3, 4, 5}), ten_stripes({2, 1, 3, 4, 5})).value();
  REQUIRE(swapped.removable.empty());
  REQUIRE(swapped.kept == std::vector<vacated_node>{{nth_node(1), 984}, {nth_node(2), 984}});
}

TEST_CASE("a node that lost pieces of two runs is counted once, with both") {
  auto was = unplaced_extent({}, rs, 2950);
  add_placement(was, 0, nodes_numbered({1, 2, 3, 4, 5}));
  add_placement(was, 4, nodes_numbered({5, 2, 3, 4, 1}));
  auto v = vacated_by(was, ten_stripes({6, 2, 3, 4, 1})).value();
  REQUIRE(v.removable == std::vector<vacated_node>{{nth_node(5), 984}}); // 400 of piece 4, 584 of piece 0
  REQUIRE(v.kept == std::vector<vacated_node>{{nth_node(1), 400}});
}

TEST_CASE("placements of different contents are not compared") {
  auto was = ten_stripes({1, 2, 3, 4, 5});
  auto code_of = [&](auto&& spoil) {
    auto is = was;
    spoil(is);
    return vacated_by(was, is).error().code;
  };
  REQUIRE(code_of([](pb::extent& e) { e.set_size(1); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.set_data_id(std::string(16, 'x')); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.mutable_geometry()->set_piece_bytes(50); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.clear_placements(); }) == ec::corrupt);
}

TEST_CASE("a repair row forgets the pieces that have moved, and goes when none is left") {
  pb::repair_record row;
  *row.mutable_extent() = ten_stripes({1, 2, 3, 4, 5});
  for (auto [stripe, piece] : {std::pair{0u, 2u}, {4u, 2u}, {9u, 3u}}) {
    auto& m = *row.add_missing();
    m.set_stripe(stripe);
    m.set_piece(piece);
    m.set_node(nth_node(piece + 1).name);
  }
  auto is = ten_stripes({1, 2, 6, 4, 5});
  auto after = repair_after(row, is).value();
  REQUIRE(after);
  REQUIRE(after->missing_size() == 1);
  REQUIRE(after->missing(0).stripe() == 9);
  REQUIRE(after->extent().SerializeAsString() == is.SerializeAsString());
  REQUIRE_FALSE(repair_after(row, ten_stripes({1, 2, 6, 7, 5})).value());
  row.mutable_missing(0)->set_stripe(10);
  REQUIRE(repair_after(row, is).error().code == ec::corrupt);
}
