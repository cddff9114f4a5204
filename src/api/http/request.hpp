// request: one request as a handler sees it. All views live until the handler has returned.
#pragma once

#include "api/http/body.hpp"
#include "api/http/head.hpp"
#include "codec/uri.hpp"
#include "core/trace_context.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe {
class caller;
}

namespace troupe::http {

class response;
class worker;

class request {
public:
  struct origin {
    std::string_view id, remote;
    bool tls = false;
  };
  request(const request_head& head, http::body& content, worker& io, origin from);

  std::string_view method() const { return head_.method; }
  // As sent, and decoded once; never normalised (an S3 key is bytes, not a path).
  const uri& target() const { return target_; }
  std::string_view raw_target() const { return head_.target; }
  // The first value; empty when absent. Names compare without case.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  std::span<const http::header> headers() const { return head_.headers; }
  std::string_view host() const { return head_.host; }
  // 16 hex digits, in the response and the log too.
  std::string_view id() const { return from_.id; }
  // The client's address, without port.
  std::string_view remote() const { return from_.remote; }
  bool tls() const { return from_.tls; }
  http::body& content() const { return content_; }
  worker& io() const { return io_; }

  // The handler says what it turned out to be ("PutObject"): for the access log. A string literal.
  const char* operation = "-";
  // Who sent it ("user:alice") and what that is allowed by ("read", "write", ...; a string literal), once somebody found
  // out: for the audit log.
  std::string principal;
  const char* action = "";
  std::string resource; // what is acted on, as policies call it; empty: what the path says
  // Who that is, for the handlers of api/surface.hpp.
  const troupe::caller* from = nullptr;
  // What is done for it is a child of this; mostly none.
  trace_context trace;
  // Of whoever serves it: lives until the handler has returned.
  std::shared_ptr<void> kept;

private:
  friend class connection;
  const http::header* find(std::string_view name) const;

  const request_head& head_;
  http::body& content_;
  worker& io_;
  origin from_;
  uri target_;
};

// Throws api_error to answer with an error, peer_gone to give up. Any other exception is answered 500.
using handler = std::function<task<>(request&, response&)>;

} // namespace troupe::http
