// GET /admin/events[?since=N]: what happens, as this coordinator sees it: JSON lines, until the client leaves or the server
// stops. Events wait in the log (core/event_log.hpp), not here: who reads slowly misses some, and is told how many.
#include "api/admin/call.hpp"
#include "api/http/tokens.hpp"
#include "api/http/worker.hpp"
#include "codec/text.hpp"
#include "core/event_log.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>

namespace troupe::admin {

namespace {

constexpr std::chrono::milliseconds poll_interval{200};
constexpr std::chrono::seconds heartbeat_interval{5}; // how long a client that left is not noticed
constexpr std::size_t events_a_write = 64;

using timer = http::asio::basic_waitable_timer<http::steady, http::asio::wait_traits<http::steady>, http::executor>;

std::uint64_t since_of(const call& c, std::uint64_t otherwise) {
  auto text = parameter(c, "since");
  if (text.empty()) return otherwise;
  std::uint64_t n = 0;
  auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (e != std::errc{} || end != text.data() + text.size())
    throw http::api_error{ec::bad_argument, "since= is the number of an event"};
  return n;
}

std::string line_of(json::object o) { return json::serialize(o) + "\n"; }

std::string line_of(const cluster_event& e) {
  return line_of(json::object{
    {"number", e.number}, {"at", format_iso8601(e.at)}, {"kind", e.kind}, {"node", e.node}, {"text", e.text}});
}

// A line that is not an event: "heartbeat" or "lost".
std::string line_about(const call& c, const char* kind, const char* field, std::uint64_t value) {
  return line_of(json::object{{"at", format_iso8601(c.config.clock.now())}, {"kind", kind}, {field, value}});
}

} // namespace

http::task<> on_events(call& c) {
  if (!c.config.events) throw http::api_error{ec::not_implemented, "this process notes no events"};
  auto& log = *c.config.events;
  auto watcher = log.watch();
  if (!watcher)
    throw http::api_error{
      ec::slow_down, std::to_string(event_log::watchers_max) + " watch already: try again when one has left"};
  auto last = since_of(c, log.last());
  c.rs.set("Content-Type", "application/x-ndjson");
  c.rs.set("Cache-Control", "no-store");
  c.rs.close = true;
  co_await c.rs.begin();
  timer pause{c.rq.io().context()};
  auto silent_since = http::steady::time_point::min(); // the first heartbeat at once: it says that one is heard
  while (!c.rq.io().draining) {
    auto page = log.after(last, events_a_write);
    last = page.last;
    std::string lines;
    if (page.lost != 0) lines += line_about(c, "lost", "events", page.lost);
    for (const auto& e : page.events) lines += line_of(e);
    auto now = http::steady::now();
    if (lines.empty() && (silent_since == http::steady::time_point::min() || now - silent_since >= heartbeat_interval))
      lines = line_about(c, "heartbeat", "last", last);
    if (!lines.empty()) {
      co_await c.rs.write(as_bytes(lines));
      silent_since = now;
    }
    if (page.events.size() == events_a_write) continue;
    pause.expires_after(poll_interval);
    co_await pause.async_wait(http::tuple_task);
  }
  co_await c.rs.finish();
}

} // namespace troupe::admin
