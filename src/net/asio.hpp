// asio: the names that everything on Boost.Asio uses: one concrete executor and the coroutine type on it.
// An executor that is a type and not any_io_executor costs no virtual call on each resumption. Kept light: what
// needs sockets or timers includes Asio's own headers in its .cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>

namespace troupe::net {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;

template <class T = void>
using task = asio::awaitable<T, executor>;

// Deadlines and durations only; dates come from the injected wall_clock.
using steady = std::chrono::steady_clock;

} // namespace troupe::net
