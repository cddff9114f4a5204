// router: method and path pattern to handler, for surfaces with a table of routes (admin, console, health). S3 decides
// by more than the path and dispatches itself.
#pragma once

#include "api/http/request.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

// What the {names} of a pattern matched: decoded bytes.
using path_parameters = std::map<std::string, std::string, std::less<>>;
using route_handler = std::function<task<>(request&, response&, const path_parameters&)>;

class router {
public:
  // "/nodes/{name}/drain"; a last "{rest*}" takes all that is left, slashes too. A literal segment goes before a
  // name, a name before a rest, whatever the order of add(). `operation` is a string literal, for the access log.
  // GET serves HEAD as well.
  void add(std::string method, std::string_view pattern, const char* operation, route_handler handle);

  // Throws api_error with ec::not_found or ec::method_not_allowed when no route fits.
  task<> dispatch(request& rq, response& rs) const;

private:
  struct route {
    std::string method;
    std::vector<std::string> segments;
    const char* operation;
    route_handler handle;
  };
  static int looseness(const route& r);
  static bool match(const route& r, std::string_view path, path_parameters& out);

  std::vector<route> routes_; // the strictest first
};

} // namespace troupe::http
