// GET /docs and GET /openapi.json.
#include "api/directory/call.hpp"
#include "api/directory/docs_page.hpp"
#include "api/directory/openapi_text.hpp"

namespace troupe::directory {

http::task<> on_docs(call& c) {
  c.rs.set("Content-Type", "text/html; charset=utf-8");
  // Nothing but this page's own script, and nothing from elsewhere.
  c.rs.set("Content-Security-Policy",
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'");
  c.rs.set("X-Content-Type-Options", "nosniff");
  co_await c.rs.send(docs_page);
}

http::task<> on_openapi(call& c) {
  c.rs.set("Content-Type", "application/json");
  co_await c.rs.send(openapi_text);
}

} // namespace troupe::directory
