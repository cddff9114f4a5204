#include "http_fixture.hpp"

#include "api/http/router.hpp"

#include <catch2/catch.hpp>

using namespace troupe;
using namespace troupe::test;

namespace {

http::route_handler says(std::string what) {
  return [what](http::request&, http::response& rs, const http::path_parameters& p) -> http::task<> {
    auto text = what;
    for (auto& [name, value] : p) text += " " + name + "=" + value;
    co_await rs.send(text);
  };
}

} // namespace

TEST_CASE_METHOD(http_fixture, "a route is found by method and path, the strictest first") {
  http::router r;
  r.add("GET", "/files/{rest*}", "Files", says("rest"));
  r.add("GET", "/nodes/{name}", "Node", says("node"));
  r.add("GET", "/nodes/all", "AllNodes", says("all"));
  r.add("POST", "/nodes/{name}/drain", "Drain", says("drain"));
  r.add("GET", "/", "Root", says("root"));
  auto c = config();
  c.handle = [&](http::request& rq, http::response& rs) { return r.dispatch(rq, rs); };
  raw_client client{start(std::move(c))};
  auto body = [&](std::string_view target) { return client.exchange(get(target)).body; };
  CHECK(body("/") == "root");
  CHECK(body("/nodes/all") == "all");
  CHECK(body("/nodes/n%201") == "node name=n 1");
  CHECK(body("/files/a/b//c") == "rest rest=a/b//c");
  CHECK(client.exchange("POST /nodes/x/drain HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").body == "drain name=x");
  CHECK(client.exchange("HEAD /nodes/all HTTP/1.1\r\nHost: x\r\n\r\n", true).header("content-length") == "3");
  CHECK(body("/nodes/") == "not_found");
  CHECK(body("/nodes") == "not_found");
  CHECK(body("/nodes/x/y") == "not_found");
  CHECK(body("//nodes/all") == "not_found");
  auto wrong = client.exchange(get("/nodes/x/drain"));
  CHECK(wrong.status == 405);
  CHECK(wrong.body == "method_not_allowed");
  CHECK(watcher.wait([](auto& w) { return w.lines.size() == 11; }));
  CHECK(watcher.lines.at(1).operation == "AllNodes");
}
