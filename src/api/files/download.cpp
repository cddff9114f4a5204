// GET and HEAD /files/{id}: conditions, one range, and the content streamed with the client's back-pressure; decompressed on
// the way where it is stored compressed. What was read whole is kept for a while: which version it must be, the record says.
#include "api/files/call.hpp"
#include "api/s3/conditions.hpp"
#include "api/s3/ranges.hpp"
#include "codec/compression.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <memory>

namespace troupe::files {

namespace {

constexpr std::size_t window_bytes = std::size_t{128} << 10;

// The content of a file, from its first byte or, when nothing is compressed, from `offset`.
class content_reader {
public:
  content_reader(std::unique_ptr<object_reader> stored, bool compressed, std::uint64_t skip)
      : stored_(std::move(stored)), skip_(skip) {
    if (compressed) unpack_ = std::make_unique<decompressor>();
  }

  // Empty after the last byte.
  http::task<chunk> next() {
    for (;;) {
      auto piece = co_await unskipped();
      if (piece.empty() || skip_ == 0) co_return piece;
      const auto cut = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, piece.size()));
      skip_ -= cut;
      if (cut != piece.size()) co_return piece.slice(cut, piece.size() - cut);
    }
  }

private:
  http::task<chunk> unskipped() {
    if (!unpack_) co_return must(co_await stored_->next());
    for (;;) {
      auto buffer = std::make_shared_for_overwrite<std::byte[]>(window_bytes);
      auto in = rest_.view();
      const auto n = must(unpack_->next(in, {buffer.get(), window_bytes}));
      rest_ = rest_.slice(rest_.size() - in.size(), in.size());
      if (n != 0) co_return chunk::adopt(std::move(buffer), n);
      if (unpack_->at_end()) co_return chunk{};
      if (rest_.empty()) rest_ = must(co_await stored_->next());
      if (rest_.empty()) throw http::api_error{ec::corrupt, "the compressed content ends too early"};
    }
  }

  std::unique_ptr<object_reader> stored_;
  std::unique_ptr<decompressor> unpack_;
  chunk rest_;
  std::uint64_t skip_;
};

// Whether the client has it already. ec::precondition_failed: it is not what the client wants.
bool client_has_it(const call& c, const file_info& f) {
  const s3::read_conditions conditions{.if_match = c.rq.header("If-Match"),
    .if_none_match = c.rq.header("If-None-Match"),
    .if_modified_since = c.rq.header("If-Modified-Since"),
    .if_unmodified_since = c.rq.header("If-Unmodified-Since")};
  switch (s3::judge(conditions, f.md5, f.modified_ms)) {
  case s3::verdict::proceed: return false;
  case s3::verdict::not_modified: return true;
  case s3::verdict::precondition_failed: break;
  }
  throw http::api_error{ec::precondition_failed, "the file is not as the request's conditions say"};
}

void set_headers(call& c, const file_info& f) {
  c.rs.set("Content-Type", f.content_type);
  c.rs.set("ETag", "\"" + f.md5 + "\"");
  c.rs.set("Last-Modified", format_http_date(f.modified_ms));
  c.rs.set("Accept-Ranges", "bytes");
  c.rs.set("X-File-Sha256", f.sha256);
  if (!f.name.empty()) // always a download: what a file contains is not to run in this surface's origin
    c.rs.set("Content-Disposition", "attachment; filename*=UTF-8''" + percent_encode(f.name, false));
  c.rs.set("X-Content-Type-Options", "nosniff");
}

std::optional<chunk> cached(call& c, const std::string& id, const std::string& version) {
  const std::lock_guard lock{c.shared.cache_lock};
  return c.shared.cache.find(id, version);
}

void keep(call& c, const std::string& id, std::string version, const std::string& content) {
  auto whole = chunk::copy_of(std::string_view{content});
  const std::lock_guard lock{c.shared.cache_lock};
  c.shared.cache.put(id, std::move(version), std::move(whole));
}

// Streams it; a whole file that the cache takes is kept.
http::task<> stream(call& c, const stored_object& object, const file_info& f, s3::byte_range range) {
  std::unique_ptr<object_reader> stored;
  if (f.compressed)
    stored = c.store.read(object, 0, object.record.size());
  else
    stored = c.store.read(object, range.offset, range.length);
  content_reader content{std::move(stored), f.compressed, f.compressed ? range.offset : 0};
  auto piece = co_await content.next(); // before the head: what fails at once is still answered with an error
  std::unique_ptr<http::memory_bound::hold> memory;
  const bool keeps = range.length == f.size && !object.record.inlined() &&
    f.size <= shared_state::cache_entry_bytes_max && c.shared.memory.has_room(2 * f.size);
  if (keeps) memory = std::make_unique<http::memory_bound::hold>(c.shared.memory, 2 * f.size);
  std::string whole;
  co_await c.rs.begin(range.length);
  for (auto left = range.length; left != 0;) {
    if (piece.empty())
      throw http::api_error{ec::corrupt, "the content of file " + f.id + " is shorter than its record says"};
    if (piece.size() > left) piece = piece.slice(0, static_cast<std::size_t>(left));
    left -= piece.size();
    if (keeps) whole += piece.text();
    co_await c.rs.write(piece);
    if (left != 0) piece = co_await content.next();
  }
  if (keeps) keep(c, f.id, version_of(object.record), whole);
  co_await c.rs.finish();
}

} // namespace

http::task<> on_download(call& c) {
  const auto& id = c.file_id();
  const bool head = c.rq.method() == "HEAD";
  const auto object = co_await look_at(c, id, !head);
  const auto f = info_of(id, object.record);
  const bool unchanged = client_has_it(c, f);
  const auto chosen = s3::choose_range(c.rq.header("Range"), f.size);
  if (!unchanged && chosen.what == s3::range_choice::kind::unsatisfiable)
    throw http::api_error{ec::invalid_range, "the file has " + std::to_string(f.size) + " bytes"};
  set_headers(c, f);
  if (unchanged) {
    c.rs.status = 304;
    co_await c.rs.send();
    co_return;
  }
  if (chosen.what == s3::range_choice::kind::part) {
    c.rs.status = 206;
    c.rs.set("Content-Range", s3::content_range(chosen.range, f.size));
  }
  if (head) {
    co_await c.rs.begin(chosen.range.length);
    co_await c.rs.finish();
    co_return;
  }
  if (chosen.range.length == 0) {
    co_await c.rs.send();
    co_return;
  }
  if (!object.record.inlined())
    if (auto whole = cached(c, id, version_of(object.record))) {
      c.rs.set("X-Cache", "hit");
      auto part =
        whole->slice(static_cast<std::size_t>(chosen.range.offset), static_cast<std::size_t>(chosen.range.length));
      co_await c.rs.send_chunk(std::move(part));
      co_return;
    }
  co_await stream(c, object, f, chosen.range);
}

} // namespace troupe::files
