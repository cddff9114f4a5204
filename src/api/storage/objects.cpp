// Objects: put, get (whole or a range), delete.
#include "api/s3/ranges.hpp"
#include "api/storage/call.hpp"
#include "codec/text.hpp"
#include "core/content_class.hpp"

#include <algorithm>
#include <memory>

namespace troupe::storage {

namespace {

std::string lower(std::string_view hex) {
  std::string out{hex};
  for (auto& ch : out)
    if (ch >= 'A' && ch <= 'F') ch = static_cast<char>(ch + ('a' - 'A'));
  return out;
}

// What the content's SHA-256 must be, by the header of this surface and by that of signatures.
std::optional<std::string> expected_sha256(const call& c) {
  const auto given = c.rq.header("X-Content-Sha256");
  if (given.empty()) return c.from.sha256().empty() ? std::nullopt : std::optional{c.from.sha256()};
  if (given.size() != 64 || !hex_decode(given))
    throw http::api_error{ec::invalid_digest, "X-Content-Sha256 is 64 hex digits"};
  if (!c.from.sha256().empty() && c.from.sha256() != lower(given))
    throw http::api_error{ec::content_sha256_mismatch, "X-Content-Sha256 is not x-amz-content-sha256"};
  return lower(given);
}

} // namespace

http::task<> on_put_object(call& c) {
  put_object what;
  what.bucket = c.bucket();
  what.key = c.key();
  const auto length = c.rq.content().length();
  if (!length) throw http::api_error{ec::missing_content_length, "an upload needs Content-Length"};
  if (*length > object_bytes_max)
    throw http::api_error{ec::entity_too_large,
      "an object has at most " + std::to_string(object_bytes_max) + " bytes here, not " + std::to_string(*length)};
  what.size = *length;
  if (const auto wanted = c.rq.header("x-troupe-durability"); !wanted.empty())
    what.durability = must(durability_named(wanted));
  what.expected.sha256 = expected_sha256(c);
  const auto type = c.rq.header("Content-Type");
  what.headers.emplace_back("Content-Type", type.empty() ? "application/octet-stream" : std::string{type});
  const auto bucket = what.bucket, key = what.key;
  const auto sha256 = what.expected.sha256;
  const auto content_type = what.headers.front().second;
  auto stored = must(co_await c.store.put(std::move(what), c.rq.content()));
  json::object out{{"bucket", bucket}, {"key", key}, {"size", stored.size}, {"etag", stored.etag},
    {"modified", format_iso8601(stored.modified_ms)}, {"content_type", content_type}};
  if (sha256) out["sha256"] = *sha256; // verified
  co_await answer_data(c, 201, std::move(out));
}

http::task<> on_get_object(call& c) {
  const auto head = c.rq.method() == "HEAD";
  const auto object = must(co_await c.store.get(c.bucket(), c.key(), !head));
  const auto& record = object.record;
  const auto chosen = s3::choose_range(c.rq.header("Range"), record.size());
  if (chosen.what == s3::range_choice::kind::unsatisfiable) {
    std::string type;
    const auto text =
      render_error(fail(ec::invalid_range, "the object has " + std::to_string(record.size()) + " bytes"), c.rs.status,
        c.rq.id(), type, c.config.context.clock->now());
    c.rs.set("Content-Type", type);
    c.rs.set("Content-Range", s3::unsatisfied_range(record.size()));
    co_await c.rs.send(text);
    co_return;
  }
  std::unique_ptr<object_reader> reader;
  chunk piece;
  if (!head && !record.inlined() && chosen.range.length != 0) {
    reader = c.store.read(object, chosen.range.offset, chosen.range.length);
    piece = must(co_await reader->next()); // before the head: what fails at once is still answered with an error
  }
  std::string type = "application/octet-stream";
  for (const auto& h : record.headers()) {
    if (h.name() == "Content-Type")
      type = h.value();
    else
      c.rs.set(h.name(), h.value());
  }
  c.rs.set("Content-Type", type);
  c.rs.set("ETag", "\"" + record.etag() + "\"");
  c.rs.set("Last-Modified", format_http_date(record.modified_ms()));
  c.rs.set("Accept-Ranges", "bytes");
  c.rs.set("X-Content-Type-Options", "nosniff"); // what users stored, on the port of the console
  c.rs.set("Content-Security-Policy", "sandbox");
  if (chosen.what == s3::range_choice::kind::part) {
    c.rs.status = 206;
    c.rs.set("Content-Range", s3::content_range(chosen.range, record.size()));
  }
  if (!head && !reader) {
    co_await c.rs.send(std::string_view{object.inlined}.substr(chosen.range.offset, chosen.range.length));
    co_return;
  }
  co_await c.rs.begin(chosen.range.length);
  while (!piece.empty()) {
    co_await c.rs.write(piece);
    piece = must(co_await reader->next());
  }
  co_await c.rs.finish();
}

http::task<> on_delete_object(call& c) {
  object_conditions there;
  there.if_match = "*"; // so that one of two deletes hears that there was nothing
  auto gone = co_await c.store.remove(c.bucket(), c.key(), std::move(there));
  if (!gone && gone.error().code == ec::no_such_key)
    throw http::api_error{ec::no_such_key, "there is no object " + c.bucket() + "/" + c.key()};
  must(std::move(gone));
  co_await answer_nothing(c);
}

} // namespace troupe::storage
