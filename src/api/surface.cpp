#include "api/surface.hpp"

#include "api/http/failure.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"

#include <boost/json/serialize.hpp>

namespace troupe {

std::string_view surface_call::query(std::string_view name) const {
  const auto* value = rq.target().q(name);
  return value == nullptr ? std::string_view{} : std::string_view{*value};
}

http::task<> answer(surface_call& c, int status, boost::json::object what) {
  c.rs.status = status;
  c.rs.set("Content-Type", "application/json");
  c.rs.set("Cache-Control", "no-store");
  const auto text = boost::json::serialize(what) + "\n";
  co_await c.rs.send(text);
}

http::task<std::string> whole_body(surface_call& c, std::size_t bytes_max) {
  constexpr std::size_t step = std::size_t{64} << 10;
  const auto too_large = [&] {
    return http::api_error{ec::too_large, "the body has at most " + std::to_string(bytes_max) + " bytes"};
  };
  if (c.from.leaves_body_open())
    throw http::api_error{
      ec::content_sha256_mismatch, "x-amz-content-sha256 has to be the SHA-256 of the body here, for it to be signed"};
  auto& body = c.rq.content();
  if (body.left() > bytes_max) throw too_large();
  std::string all;
  for (std::size_t got = step; got == step;) {
    const auto have = all.size();
    all.resize(have + step);
    got = co_await http::read_full(body, {reinterpret_cast<std::byte*>(all.data()) + have, step});
    all.resize(have + got);
    if (all.size() > bytes_max) throw too_large();
  }
  const auto& declared = c.from.sha256();
  if (!declared.empty() && hex_encode(bytes_view{sha256(as_bytes(all))}) != declared)
    throw http::api_error{ec::content_sha256_mismatch, "x-amz-content-sha256 is not the SHA-256 of the body"};
  co_return all;
}

} // namespace troupe
