// /v1/put, /v1/get, /v1/delete, /v1/scan: values by table and key. A key is the rest of the path, percent-decoded; with
// ?encoding=hex it is hexadecimal, in answers too: for keys that are not text.
#include "api/s3db/call.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <boost/json/array.hpp>

#include <charconv>

namespace troupe::s3db {

namespace {

constexpr std::uint32_t scan_items_default = 1000;
constexpr std::uint64_t scan_bytes = std::uint64_t{24} << 20; // about what a page and its JSON take

bool is_hex(const call& c) {
  const auto encoding = c.query("encoding");
  if (encoding.empty()) return false;
  if (encoding != "hex") throw http::api_error{ec::bad_argument, "encoding= is hex, or not given"};
  return true;
}

std::string decoded(bool hex, std::string_view text, const char* what) {
  if (!hex) return std::string{text};
  auto raw = hex_decode(text);
  if (!raw) throw http::api_error{ec::bad_argument, std::string{what} + " is not hexadecimal, as encoding=hex says"};
  return std::move(*raw);
}

struct place {
  std::string table, key;
  std::string shown; // the key as the client wrote it
};
place place_of(const call& c) {
  place p{.table = c.parameters.at("table"), .key = {}, .shown = c.parameters.at("key")};
  p.key = decoded(is_hex(c), p.shown, "the key");
  must(check_table(p.table));
  must(check_key(p.key));
  return p;
}

void require(const call& c, identity::action a) {
  const auto p = place_of(c);
  c.from.require(a, bucket_name, p.table + "/" + p.key);
}

std::uint32_t limit_of(const call& c) {
  const auto text = c.query("limit");
  if (text.empty()) return scan_items_default;
  std::uint32_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size() || n == 0 || n > scan_items_max)
    throw http::api_error{ec::bad_argument, "limit= is a number from 1 to " + std::to_string(scan_items_max)};
  return n;
}

struct scanned {
  std::string table, prefix, start_after;
  bool hex = false;
};
scanned scanned_of(const call& c) {
  scanned s{.table = c.parameters.at("table"), .prefix = {}, .start_after = {}, .hex = is_hex(c)};
  must(check_table(s.table));
  s.prefix = decoded(s.hex, c.query("prefix"), "prefix=");
  s.start_after = decoded(s.hex, c.query("start_after"), "start_after=");
  if (s.prefix.size() > key_bytes_max || s.start_after.size() > key_bytes_max)
    throw http::api_error{
      ec::bad_argument, "prefix= and start_after= have at most " + std::to_string(key_bytes_max) + " bytes"};
  return s;
}

} // namespace

void may_read(const call& c) { require(c, identity::action::read); }
void may_write(const call& c) { require(c, identity::action::write); }
void may_delete(const call& c) { require(c, identity::action::remove); }
void may_scan(const call& c) {
  const auto s = scanned_of(c);
  c.from.require(identity::action::list, bucket_name, s.table + "/" + s.prefix);
}

http::task<> on_put(call& c) {
  auto where = place_of(c);
  if (co_await redirected(c)) co_return;
  const http::memory_bound::hold memory{c.memory, value_bytes_max};
  auto value = co_await whole_body(c, value_bytes_max);
  if (value.empty()) throw http::api_error{ec::bad_argument, "the value is empty: the body is what is to be stored"};
  const auto size = value.size();
  must(co_await c.state().set(where.table, where.key, std::move(value)));
  json::object out{{"table", where.table}, {"key", where.shown}, {"size", size}};
  co_await answer(c, 201, std::move(out));
}

http::task<> on_get(call& c) {
  auto where = place_of(c);
  if (co_await redirected(c)) co_return;
  const http::memory_bound::hold memory{c.memory, value_bytes_max};
  const auto value = must(co_await c.state().get(where.table, where.key));
  json::object out{{"table", where.table}, {"key", where.shown}, {"value", base64_encode(value)}};
  co_await answer(c, 200, std::move(out));
}

http::task<> on_delete(call& c) {
  auto where = place_of(c);
  if (co_await redirected(c)) co_return;
  must(co_await c.state().erase(where.table, where.key));
  c.rs.status = 204;
  co_await c.rs.send();
}

http::task<> on_scan(call& c) {
  auto [table, prefix, start_after, hex] = scanned_of(c);
  const auto limit = limit_of(c);
  if (co_await redirected(c)) co_return;
  const http::memory_bound::hold memory{c.memory, scan_bytes};
  const auto page = must(co_await c.state().scan(table, std::move(prefix), std::move(start_after), limit));
  json::array items;
  items.reserve(page.items.size());
  for (const auto& [key, value] : page.items) {
    c.from.require_also(identity::action::read, bucket_name, table + "/" + key);
    if (!hex && !valid_utf8(key))
      throw http::api_error{ec::bad_argument, "there are keys here that are not text: ask with encoding=hex"};
    items.push_back(json::object{{"key", hex ? hex_encode(key) : key}, {"value", base64_encode(value)}});
  }
  json::object out{{"table", table}, {"prefix", c.query("prefix")}, {"count", items.size()}};
  if (page.truncated) out["next"] = items.back().as_object()["key"]; // for start_after=
  out["truncated"] = page.truncated;
  out["items"] = std::move(items);
  co_await answer(c, 200, std::move(out));
}

} // namespace troupe::s3db
