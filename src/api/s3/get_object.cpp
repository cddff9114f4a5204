// GetObject and HeadObject: conditions, ranges, parts, and the content streamed with the client's back-pressure.
#include "api/s3/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/headers.hpp"
#include "api/s3/ranges.hpp"
#include "codec/text.hpp"

#include <array>
#include <memory>

namespace troupe::s3 {

namespace {

struct override_parameter {
  std::string_view parameter, header;
};
constexpr std::array overrides{
  override_parameter{"response-content-type", "Content-Type"},
  override_parameter{"response-content-language", "Content-Language"},
  override_parameter{"response-expires", "Expires"},
  override_parameter{"response-cache-control", "Cache-Control"},
  override_parameter{"response-content-disposition", "Content-Disposition"},
  override_parameter{"response-content-encoding", "Content-Encoding"},
};

// All requests that come here are signed, so all may override.
void override_headers(const call& c, pb::object_record& record) {
  if (c.req.target().query.empty()) return;
  for (const auto& o : overrides) {
    const auto* value = c.query(o.parameter);
    if (value == nullptr) continue;
    pb::name_value* target = nullptr;
    for (auto& h : *record.mutable_headers())
      if (h.name() == o.header) target = &h;
    if (target == nullptr) (target = record.add_headers())->set_name(std::string{o.header});
    target->set_value(*value);
  }
}

void check_conditions(const call& c, const pb::object_record& record) {
  const read_conditions conditions{.if_match = c.header("If-Match"),
    .if_none_match = c.header("If-None-Match"),
    .if_modified_since = c.header("If-Modified-Since"),
    .if_unmodified_since = c.header("If-Unmodified-Since")};
  if (!conditions.any()) return;
  switch (judge(conditions, record.etag(), record.modified_ms())) {
  case verdict::proceed: return;
  case verdict::precondition_failed:
    throw s3_error{ec::precondition_failed}.with_element(
      "Condition", conditions.if_match.empty() ? "If-Unmodified-Since" : "If-Match");
  case verdict::not_modified: {
    s3_error e{ec::not_modified};
    e.headers.emplace_back("ETag", quoted(record.etag()));
    e.headers.emplace_back("Last-Modified", format_http_date(record.modified_ms()));
    for (const auto& h : record.headers())
      if (h.name() == "Cache-Control" || h.name() == "Expires") e.headers.emplace_back(h.name(), h.value());
    throw e;
  }
  }
}

struct selection {
  byte_range range;
  bool partial = false;
  const google::protobuf::RepeatedPtrField<pb::checksum>* checksums = nullptr; // of exactly these bytes
};

selection select_part(const stored_object& object, std::uint32_t number) {
  const auto& record = object.record;
  if (!object.manifest) { // it was not uploaded in parts: all of it is part 1
    if (number != 1) throw s3_error{ec::invalid_part_number};
    return {.range = {0, record.size()}, .partial = record.size() != 0, .checksums = &record.checksums()};
  }
  std::uint64_t offset = 0;
  for (const auto& part : object.manifest->parts()) {
    if (part.number() == number)
      return {.range = {offset, part.size()}, .partial = part.size() != 0, .checksums = &part.checksums()};
    offset += part.size();
  }
  throw s3_error{ec::invalid_part_number};
}

selection select(const call& c, const stored_object& object) {
  const auto& record = object.record;
  const auto range = c.header("Range");
  if (c.query("partNumber") != nullptr) {
    if (!range.empty())
      throw s3_error{ec::invalid_request, "Cannot specify both Range header and partNumber query parameter"};
    return select_part(object, c.number("partNumber", 1, 1, 10'000));
  }
  auto chosen = choose_range(range, record.size());
  if (const auto if_range = c.header("If-Range"); !if_range.empty() && chosen.what != range_choice::kind::whole) {
    const auto date = parse_http_date(if_range);
    const bool same = date ? *date / 1000 == record.modified_ms() / 1000 : unquoted(if_range) == record.etag();
    if (!same) chosen = choose_range({}, record.size());
  }
  if (chosen.what == range_choice::kind::unsatisfiable)
    throw s3_error{ec::invalid_range}
      .with_header("Content-Range", unsatisfied_range(record.size()))
      .with_element("RangeRequested", std::string{range})
      .with_element("ActualObjectSize", std::to_string(record.size()));
  const bool partial = chosen.what == range_choice::kind::part;
  return {.range = chosen.range, .partial = partial, .checksums = partial ? nullptr : &record.checksums()};
}

} // namespace

http::task<> on_get_object(call& c) {
  const bool head = c.where.op == operation::head_object;
  const bool by_part = c.query("partNumber") != nullptr;
  auto object = must(co_await c.store.get(c.bucket(), c.key(), !head || by_part));
  auto& record = object.record;
  check_conditions(c, record);
  const auto chosen = select(c, object);
  std::unique_ptr<object_reader> reader;
  chunk piece;
  if (!head && !record.inlined() && chosen.range.length != 0) {
    reader = c.store.read(object, chosen.range.offset, chosen.range.length);
    piece = must(co_await reader->next()); // before the head: what fails at once is still answered with an error
  }

  override_headers(c, record);
  set_object_headers(c.res, record);
  if (chosen.partial) {
    c.res.status = 206;
    c.res.set("Content-Range", content_range(chosen.range, record.size()));
  }
  if (by_part && record.parts() != 0) c.res.set("x-amz-mp-parts-count", std::to_string(record.parts()));
  if (chosen.checksums != nullptr && http::same_name(c.header("x-amz-checksum-mode"), "ENABLED"))
    set_checksum_headers(c.res, *chosen.checksums);

  if (!head && !reader) {
    co_await c.res.send(std::string_view{object.inlined}.substr(chosen.range.offset, chosen.range.length));
    co_return;
  }
  co_await c.res.begin(chosen.range.length);
  while (!piece.empty()) {
    co_await c.res.write(piece);
    piece = must(co_await reader->next());
  }
  co_await c.res.finish();
}

} // namespace troupe::s3
