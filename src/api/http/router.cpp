#include "api/http/router.hpp"

#include <algorithm>
#include <utility>

namespace troupe::http {

namespace {

bool is_rest(std::string_view segment) { return segment.ends_with("*}"); }
bool is_name(std::string_view segment) { return segment.starts_with('{'); }

// The next segment of a path that starts with '/', which is then removed with it.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

} // namespace

int router::looseness(const route& r) {
  int sum = 0;
  for (auto& s : r.segments) sum += is_rest(s) ? 1000 : is_name(s) ? 1 : 0;
  return sum;
}

void router::add(std::string method, std::string_view pattern, const char* operation, route_handler handle) {
  route r{std::move(method), {}, operation, std::move(handle)};
  while (!pattern.empty()) r.segments.emplace_back(next_segment(pattern));
  auto after =
    std::find_if(routes_.begin(), routes_.end(), [&](const route& o) { return looseness(o) > looseness(r); });
  routes_.insert(after, std::move(r));
}

bool router::match(const route& r, std::string_view path, path_parameters& out) {
  out.clear();
  for (std::string_view s : r.segments) {
    if (path.empty()) return false;
    if (is_rest(s)) {
      out.emplace(s.substr(1, s.size() - 3), path.substr(1));
      return true;
    }
    auto segment = next_segment(path);
    if (is_name(s)) {
      if (segment.empty()) return false;
      out.emplace(s.substr(1, s.size() - 2), segment);
    } else if (s != segment) {
      return false;
    }
  }
  return path.empty();
}

task<> router::dispatch(request& rq, response& rs) const {
  bool known = false;
  for (auto& r : routes_) {
    path_parameters parameters;
    if (!match(r, rq.target().path, parameters)) continue;
    known = true;
    if (r.method != rq.method() && !(r.method == "GET" && rq.method() == "HEAD")) continue;
    rq.operation = r.operation;
    co_await r.handle(rq, rs, parameters);
    co_return;
  }
  if (known) throw api_error{ec::method_not_allowed, "the method is not allowed for this resource"};
  throw api_error{ec::not_found, "no such resource"};
}

} // namespace troupe::http
