// openssl_handles: owners of OpenSSL objects, and its last error as a value.
#pragma once

#include "base/error.hpp"

#include <openssl/err.h>

#include <memory>

namespace troupe {

template <auto Free>
struct openssl_free {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_free<Free>>;

// Empties OpenSSL's queue of errors: the next TLS call on this thread looks into it.
inline error openssl_failed(const char* what, ec code = ec::internal) {
  const char* reason = nullptr;
  if (auto number = ERR_peek_last_error(); number != 0) reason = ERR_reason_error_string(number);
  auto e = fail(code, std::string{what} + (reason ? ": " + std::string{reason} : std::string{}));
  ERR_clear_error();
  return e;
}

} // namespace troupe
