// wire<T>: a Protobuf message as an element of a CAF message. Locally it is a shared immutable value (a pointer
// moves); between processes it is a length and Protobuf bytes. Never throws from inspect (CAF would terminate).
#pragma once

#include <caf/binary_deserializer.hpp>
#include <caf/deserializer.hpp>
#include <caf/error.hpp>
#include <caf/sec.hpp>
#include <caf/serializer.hpp>
#include <google/protobuf/message_lite.h>

#include <atomic>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace troupe {

template <class T>
concept protobuf_message = std::derived_from<T, google::protobuf::MessageLite>;

template <protobuf_message T>
class wire {
public:
  // What a peer may make us parse at once; a message that is larger is refused on both sides.
  static constexpr std::size_t bytes_max = std::size_t{16} << 20;

  wire() = default; // CAF default-constructs before it loads
  explicit wire(T message) : message_(std::make_shared<T>(std::move(message))) {}

  const T& operator*() const { return message_ ? *message_ : T::default_instance(); }
  const T* operator->() const { return &**this; }
  // The message itself when nobody else has it any more, else a copy. Leaves an empty one.
  T take() {
    auto held = std::exchange(message_, nullptr);
    if (!held) return T::default_instance();
    if (held.use_count() != 1) return *held;
    std::atomic_thread_fence(std::memory_order_acquire); // whoever had it has read it
    return std::move(*held);
  }

  friend bool operator==(const wire& a, const wire& b) {
    return a.message_ == b.message_ || (*a).SerializeAsString() == (*b).SerializeAsString();
  }

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, wire& x) {
    if constexpr (std::is_base_of_v<caf::serializer, Inspector>) {
      return x.save(f);
    } else if constexpr (std::is_base_of_v<caf::deserializer, Inspector>) {
      return x.load(f);
    } else {
      std::string bytes = (*x).SerializeAsString();
      return f(bytes);
    }
  }

private:
  caf::error save(caf::serializer& f) {
    std::string bytes;
    if (!(**this).SerializeToString(&bytes) || bytes.size() > bytes_max) return caf::sec::invalid_argument;
    std::size_t n = bytes.size();
    if (auto e = f.begin_sequence(n)) return e;
    if (n != 0)
      if (auto e = f.apply_raw(n, bytes.data())) return e;
    return f.end_sequence();
  }

  caf::error load(caf::deserializer& f) {
    std::size_t n = 0;
    if (auto e = f.begin_sequence(n)) return e;
    if (n > bytes_max) return caf::sec::invalid_argument;
    auto m = std::make_shared<T>();
    if (auto* b = dynamic_cast<caf::binary_deserializer*>(&f)) {
      if (n > b->remaining()) return caf::sec::end_of_stream; // before anything is allocated
      if (!m->ParseFromArray(b->remainder().data(), static_cast<int>(n))) return caf::sec::invalid_argument;
      b->skip(n);
    } else {
      std::string bytes(n, '\0');
      if (auto e = f.apply_raw(n, bytes.data())) return e;
      if (!m->ParseFromString(bytes)) return caf::sec::invalid_argument;
    }
    message_ = std::move(m);
    return f.end_sequence();
  }

  std::shared_ptr<T> message_; // never changed but by take()
};

} // namespace troupe
