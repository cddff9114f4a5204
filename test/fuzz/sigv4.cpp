// Any request, its target and headers split from the input, is answered without a crash; and one that we sign
// ourselves, with the input as path and header values, verifies.
#include "codec/sigv4.hpp"
#include "codec/uri.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

namespace {

constexpr unix_ms now = 1369353600000;
constexpr sigv4_credentials client{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

std::optional<std::string> lookup(std::string_view key) {
  if (key == client.access_key) return std::string{client.secret_key};
  return std::nullopt;
}

std::string_view take_line(std::string_view& rest) {
  auto end = rest.find('\n');
  auto line = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
  return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  uri target;
  if (!target.parse(take_line(rest))) return 0;
  std::vector<header_view> headers;
  while (!rest.empty() && headers.size() < 100) {
    auto line = take_line(rest);
    auto colon = line.find(':');
    if (colon != line.npos) headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  sigv4_verifier verifier{{}};
  sigv4_request request{"GET", target.path, target.query, headers};
  if (auto who = verifier.verify(request, lookup, now); !who && who.error().message.empty()) std::abort();

  std::vector<header_view> own{{"host", "h"}};
  for (std::size_t i = 0; i < headers.size(); ++i) own.push_back({i % 2 ? "x-amz-meta-a" : "range", headers[i].value});
  std::erase_if(target.query, [](auto& q) { return q.first.starts_with("X-Amz-"); });
  request = {"GET", target.path, target.query, own};
  auto added = sign(request, client, "UNSIGNED-PAYLOAD", now);
  for (auto& [name, value] : added) own.push_back({name, value});
  request.headers = own;
  if (!verifier.verify(request, lookup, now)) std::abort();
  return 0;
}
