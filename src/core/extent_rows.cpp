#include "core/extent_rows.hpp"

#include "core/extent_codec.hpp"
#include "core/tables.hpp"

namespace troupe {
namespace {

template <class Row, class Each>
result<> visit_row(const char* what, const std::string& value, std::string* rewritten, Each&& each) {
  Row row;
  if (!row.ParseFromString(value)) return fail(ec::corrupt, std::string{"a row of table "} + what + " does not parse");
  TROUPE_TRY(each(row));
  if (rewritten != nullptr) *rewritten = row.SerializeAsString();
  return {};
}

// Calls visit(pb::extent&) for every extent of the row, until one fails; then writes the row as it is, when that is wanted.
template <class Visit>
result<> visit_extents(char table, const std::string& value, std::string* rewritten, Visit&& visit) {
  auto of_one = [&](auto& row) -> result<> { return row.has_extent() ? visit(*row.mutable_extent()) : result<>{}; };
  auto of_all = [&](pb::manifest& manifest) -> result<> {
    for (auto& part : *manifest.mutable_parts()) TROUPE_TRY(of_one(part));
    return {};
  };
  switch (table) {
  case tables::objects: return visit_row<pb::object_record>("objects", value, rewritten, of_one);
  case tables::parts: return visit_row<pb::part_record>("parts", value, rewritten, of_one);
  case tables::manifests: return visit_row<pb::manifest>("manifests", value, rewritten, of_all);
  default: return fail(ec::bad_argument, std::string{"rows of table '"} + table + "' name no extents");
  }
}

bool same_geometry(const pb::geometry& a, const pb::geometry& b) {
  return a.k() == b.k() && a.m() == b.m() && a.piece_bytes() == b.piece_bytes();
}

} // namespace

result<std::vector<pb::extent>> extents_in(char table, const std::string& value) {
  std::vector<pb::extent> found;
  TROUPE_TRY(visit_extents(table, value, nullptr, [&](pb::extent& e) -> result<> {
    found.push_back(e);
    return {};
  }));
  return found;
}

result<std::string> with_extent(char table, const std::string& value, const pb::extent& placed) {
  if (auto fits = map_of(placed); !fits) return fail(ec::bad_argument, fits.error().message);
  bool found = false;
  std::string row;
  TROUPE_TRY(visit_extents(table, value, &row, [&](pb::extent& e) -> result<> {
    if (e.data_id() != placed.data_id()) return {};
    if (e.size() != placed.size() || !same_geometry(e.geometry(), placed.geometry()))
      return fail(ec::bad_argument, "an extent keeps its size and geometry wherever it is placed");
    e = placed;
    found = true;
    return {};
  }));
  if (!found) return fail(ec::not_found, "the row does not name this content any more");
  return row;
}

} // namespace troupe
