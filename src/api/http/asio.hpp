// asio: the names of net/asio.hpp, for the front doors.
#pragma once

#include "net/asio.hpp"

namespace troupe::http {

namespace asio = boost::asio;
using net::executor;
using net::steady;
using net::task;

} // namespace troupe::http
