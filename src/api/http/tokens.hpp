// tokens: the completion tokens of our coroutines. Errors arrive as values in a tuple, never as exceptions.
#pragma once

#include "api/http/asio.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace troupe::http {

inline constexpr asio::use_awaitable_t<executor> use_task{};
inline constexpr auto tuple_task = asio::as_tuple(asio::use_awaitable_t<executor>{});

} // namespace troupe::http
