// Bodies of PUT /put from strangers, as JSON and as they are: whatever they are, nothing crashes; what is taken keeps every bound,
// and written as JSON again it is taken for the same. The first byte chooses the content type and what the query has.
#include "core/directory_put.hpp"
#include "codec/uri.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>

using namespace troupe;
using namespace troupe::directory;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string body{reinterpret_cast<const char*>(data + 1), size - 1};
  const std::string key = body.substr(0, body.find('\n')), value = "v";
  const bool json = (data[0] & 1) == 0;
  const auto got = parse_put_request({.query_key = (data[0] & 2) != 0 ? &key : nullptr,
    .query_value = (data[0] & 4) != 0 ? &value : nullptr,
    .content_type = json ? "application/json; charset=utf-8" : "text/plain",
    .body = body});
  if (!got) {
    if (got.error().message.empty()) std::abort();
    return 0;
  }
  if (got->key.empty() || got->key.size() > directory_key_bytes_max || got->key.find('\0') != got->key.npos)
    std::abort();
  if (got->value.size() > value_bytes_max || !valid_utf8(got->key) || !valid_utf8(got->value)) std::abort();
  const auto text = boost::json::serialize(boost::json::object{{"key", got->key}, {"value", got->value}});
  if (text.size() > put_body_bytes_max) std::abort();
  const auto again = parse_put_request({.content_type = "application/json", .body = text});
  if (!again || again->key != got->key || again->value != got->value) std::abort();
  return 0;
}
