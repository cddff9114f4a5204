// surface: what the front doors with a table of routes share. For each request: who sent it (before anything is looked up or
// read), which route it is, whether the sender may (as the route says), its handler. A front door brings its table, what its
// requests share, and its form of errors.
//
//   struct call : surface_call { call(const surface_call&, shared_state&); ... };
//   constexpr std::array routes{surface_route<call>{"GET", "/things/{id}", "GetThing", on_get, may_read}, ...};
//   http::handler make_handler(...) { return surface_handler(shared, routes, entrance{*gate, rules}); }
#pragma once

#include "api/http/response.hpp"
#include "api/http/router.hpp"
#include "api/identity/entrance.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// One request on its way through the handler of its route.
struct surface_call {
  http::request& rq;
  http::response& rs;
  const http::path_parameters& parameters;
  const caller& from;

  // Of the query; empty when it is not there.
  std::string_view query(std::string_view name) const;
};

http::task<> answer(surface_call&, int status, boost::json::object);
// The whole body, and it is the one that was signed. ec::too_large, ec::content_sha256_mismatch. It grows as bytes arrive:
// an announced length alone costs no memory.
http::task<std::string> whole_body(surface_call&, std::size_t bytes_max);

// What a route asks of its caller before its handler runs. There is none by default: a table that forgets it does not compile.
template <class Call>
class permission {
public:
  constexpr permission(void (*check)(const Call&)) : ask_(check) {} // throws ec::access_denied
  constexpr permission(std::nullptr_t) {}                           // open to everybody, without a proof
  constexpr bool open() const { return ask_ == nullptr; }
  void ask(const Call& c) const {
    if (ask_ != nullptr) ask_(c);
  }

private:
  void (*ask_)(const Call&) = nullptr;
};
inline constexpr std::nullptr_t open_to_all = nullptr;
// Everybody who proved who they are may; or the handler asks, once it has read what this is about.
template <class Call>
void handler_asks(const Call&) {}

template <class Call>
struct surface_route {
  const char* method;
  const char* pattern;   // http::router; of an open route without {names}
  const char* operation; // in the access log
  http::task<> (*handle)(Call&);
  permission<Call> may;
};

template <class Call, class Shared>
class surface {
public:
  using route = surface_route<Call>;

  surface(std::shared_ptr<Shared> shared, std::span<const route> routes, entrance door)
      : shared_(std::move(shared)), door_(std::move(door)) {
    for (const auto& r : routes) {
      if (r.may.open()) open_.push_back(r.pattern);
      router_.add(r.method, r.pattern, r.operation,
        [this, r](http::request& rq, http::response& rs, const http::path_parameters& parameters) {
          return serve(r, rq, rs, parameters);
        });
    }
  }

  http::task<> dispatch(http::request& rq, http::response& rs) {
    const bool open = std::ranges::find(open_, rq.target().path) != open_.end();
    const auto from = open ? caller{rq} : door_.admit(rq);
    rq.from = &from;
    co_await router_.dispatch(rq, rs);
  }

private:
  http::task<> serve(const route& r, http::request& rq, http::response& rs, const http::path_parameters& parameters) {
    Call c{surface_call{rq, rs, parameters, *rq.from}, *shared_};
    r.may.ask(c);
    co_await r.handle(c);
  }

  std::shared_ptr<Shared> shared_;
  entrance door_;
  std::vector<std::string_view> open_; // paths
  http::router router_;
};

// Answers every path; throws api_error. Shared by all io threads.
template <class Call, class Shared, std::size_t N>
http::handler surface_handler(
  std::shared_ptr<Shared> shared, const std::array<surface_route<Call>, N>& routes, entrance door) {
  auto all = std::make_shared<surface<Call, Shared>>(std::move(shared), std::span{routes}, std::move(door));
  return [all](http::request& rq, http::response& rs) { return all->dispatch(rq, rs); };
}

} // namespace troupe
