// The headers and fields that say which trace a request belongs to: whatever they are, nothing crashes, what is read is valid,
// and written again it says the same.
#include "core/trace_context.hpp"

#include <cstdint>
#include <cstdlib>

using namespace troupe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto c = trace_context::parse_traceparent(text)) {
    if (!c->valid()) std::abort();
    if (trace_context::parse_traceparent(c->traceparent()) != c) std::abort();
    if (trace_context::from_bytes(c->to_bytes()) != *c) std::abort();
    if (text.substr(3, 49) != c->traceparent().substr(3, 49)) std::abort(); // the ids, as they were sent
  }
  const auto c = trace_context::from_bytes(text);
  if (c != trace_context{} && (!c.valid() || size != trace_context::bytes)) std::abort();
  return 0;
}
