// messages: how base types travel through CAF, and troupe's error category.
// Rules that cost a surprise each are in docs/ARCHITECTURE.md, "Working with CAF 0.17".
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/deserializer.hpp>
#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>
#include <caf/serializer.hpp>

#include <string>

namespace troupe {

// A caf::error that carries our code and message, and back. An error of CAF's own (timeout, receiver down) comes
// back as ec::timeout or ec::unavailable.
caf::error to_caf(const error& e);
error from_caf(const caf::error& e);

// Every actor system of ours calls this: our error category's text, and the names of the types that cross a process.
void register_messages(caf::actor_system_config&);

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, data_id& x) {
  return f(caf::meta::type_name("data_id"), x.raw);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chunk& x) {
  if constexpr (std::is_base_of_v<caf::serializer, Inspector>) {
    std::size_t n = x.size();
    if (n > chunk::bytes_max) return caf::sec::invalid_argument;
    if (auto e = f.begin_sequence(n)) return e;
    if (n != 0)
      if (auto e = f.apply_raw(n, const_cast<std::byte*>(x.data()))) return e; // a serializer only reads
    return f.end_sequence();
  } else if constexpr (std::is_base_of_v<caf::deserializer, Inspector>) {
    std::size_t n = 0;
    if (auto e = f.begin_sequence(n)) return e;
    if (n > chunk::bytes_max) return caf::sec::invalid_argument;
    if (auto* b = dynamic_cast<caf::binary_deserializer*>(&f); b && n > b->remaining()) return caf::sec::end_of_stream;
    auto buffer = std::make_shared_for_overwrite<std::byte[]>(n);
    if (n != 0)
      if (auto e = f.apply_raw(n, buffer.get())) return e;
    x = chunk::adopt(std::move(buffer), n);
    return f.end_sequence();
  } else {
    auto n = x.size();
    return f(n);
  }
}

} // namespace troupe
