// Any target parses or is refused; what parsed is what it says it is.
#include "codec/uri.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view target{reinterpret_cast<const char*>(data), size};
  uri u;
  if (u.parse(target)) {
    if (!u.path.starts_with('/') || !valid_utf8(u.path) || u.path.find('\0') != u.path.npos) std::abort();
    // Encoded again, as a client would, it is the same.
    auto again = percent_encode(u.path, true);
    auto separator = '?';
    for (auto& [name, value] : u.query) {
      again += separator + percent_encode(name, false) + "=" + percent_encode(value, false);
      separator = '&';
    }
    uri v;
    if (!v.parse(again) || v.path != u.path || v.query != u.query) std::abort();
  }
  for (bool plus : {false, true})
    if (auto decoded = percent_decode(target, plus))
      if (percent_decode(percent_encode(*decoded, false), plus) != decoded) std::abort();
  return 0;
}
