// failure: the two exceptions of the front doors, and must(), which throws one. They unwind a handler to the server, and never cross below api.
#pragma once

#include "base/error.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe::http {

// Thrown by handlers and body sources to answer with an error; the server renders it. Once the response has
// started it cuts the connection instead: a short body must never look complete.
struct api_error : std::exception {
  api_error(ec c, std::string text) : code(c), message(std::move(text)) {}
  explicit api_error(error e) : code(e.code), message(std::move(e.message)) {}
  const char* what() const noexcept override { return message.c_str(); }

  ec code;
  std::string message;
};

// The value, or the error as the answer.
template <class T>
T must(result<T> outcome) {
  if (!outcome) throw api_error{std::move(outcome).error()};
  if constexpr (!std::is_void_v<T>) return std::move(*outcome);
}

// The client left, or stopped moving bytes: unwind, send nothing more.
struct peer_gone : std::runtime_error {
  using runtime_error::runtime_error;
};

} // namespace troupe::http
