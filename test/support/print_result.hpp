// Lets Catch print a result<T>: its error, or that it has none.
#pragma once

#include "base/error.hpp"

#include <catch2/catch.hpp>

template <class T>
struct Catch::StringMaker<troupe::result<T>> {
  static std::string convert(const troupe::result<T>& r) {
    if (r.has_value()) return "ok";
    return std::string{troupe::to_string(r.error().code)} + ": " + r.error().message;
  }
};
