#include "api/s3/page_token.hpp"

#include "codec/text.hpp"
#include "core/tables.hpp"

#include <cstdint>

namespace troupe::s3 {

namespace {

constexpr char version = 1;
constexpr std::size_t digest_bytes = 8;

std::string digest(std::string_view start_after, std::string_view context) {
  std::string input{context};
  input += '\0'; // in neither
  input += start_after;
  const auto n = tables::digest_of(input);
  std::string out;
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(n >> shift);
  return out;
}

} // namespace

std::string make_page_token(std::string_view start_after, std::string_view context) {
  std::string raw{version};
  raw += digest(start_after, context);
  raw += start_after;
  return base64_encode(raw);
}

result<std::string> read_page_token(std::string_view token, std::string_view context) {
  const auto raw = base64_decode(token);
  if (raw && raw->size() > 1 + digest_bytes && raw->front() == version) {
    auto start_after = raw->substr(1 + digest_bytes);
    if (std::string_view{*raw}.substr(1, digest_bytes) == digest(start_after, context)) return start_after;
  }
  return fail(ec::invalid_argument, "The continuation token provided is incorrect");
}

} // namespace troupe::s3
