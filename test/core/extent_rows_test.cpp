#include "core/extent_rows.hpp"
#include "core/tables.hpp"
#include "support/extents.hpp"
#include "support/print_result.hpp"

#include <catch2/catch.hpp>

using namespace troupe;

namespace {

constexpr stripe_geometry rs{.k = 3, .m = 2, .piece_bytes = 100};

data_id id_of(unsigned char n) {
  data_id id;
  id.raw.fill(std::byte{n});
  return id;
}

pb::extent extent_of(unsigned char n, std::vector<std::size_t> nodes = {1, 2, 3, 4, 5}) {
  return extent_on(id_of(n), rs, 1000, nodes_numbered(nodes));
}

pb::object_record object_of(const pb::extent& e) {
  pb::object_record o;
  o.set_size(1000);
  o.set_etag("e");
  o.set_modified_ms(5);
  o.add_headers()->set_name("Content-Type");
  *o.mutable_extent() = e;
  return o;
}

} // namespace

TEST_CASE("an object's row names its new nodes and is otherwise as it was") {
  auto moved = extent_of(1, {1, 2, 3, 4, 6});
  auto row = with_extent(tables::objects, object_of(extent_of(1)).SerializeAsString(), moved);
  REQUIRE(row.value() == object_of(moved).SerializeAsString());
}

TEST_CASE("a part's row names its new nodes and is otherwise as it was") {
  pb::part_record was;
  was.set_number(3);
  was.set_etag("e");
  auto is = was;
  *was.mutable_extent() = extent_of(1);
  *is.mutable_extent() = extent_of(1, {9, 2, 3, 4, 5});
  REQUIRE(with_extent(tables::parts, was.SerializeAsString(), is.extent()).value() == is.SerializeAsString());
}

TEST_CASE("of a manifest only the part with that content changes") {
  pb::manifest was;
  for (unsigned char i = 1; i <= 4; ++i) {
    auto& part = *was.add_parts();
    part.set_number(i);
    if (i == 2) {
      part.set_inline_data("small");
    } else {
      *part.mutable_extent() = extent_of(i);
    }
  }
  auto is = was;
  *is.mutable_parts(2)->mutable_extent() = extent_of(3, {5, 4, 3, 2, 1});
  auto row = with_extent(tables::manifests, was.SerializeAsString(), is.parts(2).extent());
  REQUIRE(row.value() == is.SerializeAsString());
  auto named = extents_in(tables::manifests, *row).value();
  REQUIRE(named.size() == 3);
  REQUIRE(named[1].SerializeAsString() == is.parts(2).extent().SerializeAsString());
}

TEST_CASE("what a newer release wrote into a row survives its edit") {
  auto value = object_of(extent_of(1)).SerializeAsString();
  pb::object_record probe;
  probe.GetReflection()->MutableUnknownFields(&probe)->AddVarint(1000, 42);
  value += probe.SerializeAsString();
  pb::object_record read;
  REQUIRE(read.ParseFromString(with_extent(tables::objects, value, extent_of(1, {6, 7, 8, 9, 10})).value()));
  REQUIRE(read.GetReflection()->GetUnknownFields(read).field_count() == 1);
}

TEST_CASE("a row that no longer names the content is not found, one that does not parse is corrupt") {
  auto other = object_of(extent_of(2)).SerializeAsString();
  REQUIRE(with_extent(tables::objects, other, extent_of(1)).error().code == ec::not_found);
  auto inlined = object_of(extent_of(2));
  inlined.clear_extent();
  REQUIRE(with_extent(tables::objects, inlined.SerializeAsString(), extent_of(1)).error().code == ec::not_found);
  REQUIRE(extents_in(tables::objects, inlined.SerializeAsString()).value().empty());
  for (char table : {tables::objects, tables::parts, tables::manifests}) {
    REQUIRE(with_extent(table, "\xff\xff", extent_of(1)).error().code == ec::corrupt);
    REQUIRE(extents_in(table, "\xff\xff").error().code == ec::corrupt);
  }
  REQUIRE(with_extent(tables::buckets, "", extent_of(1)).error().code == ec::bad_argument);
  REQUIRE(extents_in(tables::garbage, "").error().code == ec::bad_argument);
}

TEST_CASE("an extent of another size or geometry, or with too few nodes, does not get into a row") {
  auto row = object_of(extent_of(1)).SerializeAsString();
  auto code_of = [&](auto&& spoil) {
    auto e = extent_of(1);
    spoil(e);
    return with_extent(tables::objects, row, e).error().code;
  };
  REQUIRE(code_of([](pb::extent& e) { e.set_size(999); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.mutable_geometry()->set_piece_bytes(99); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.mutable_placements(0)->mutable_nodes()->RemoveLast(); }) == ec::bad_argument);
  REQUIRE(code_of([](pb::extent& e) { e.clear_placements(); }) == ec::bad_argument);
}
