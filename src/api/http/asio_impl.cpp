// The compiled part of Boost.Asio (BOOST_ASIO_SEPARATE_COMPILATION). No ssl::stream here: stream.cpp drives OpenSSL.
#include <boost/asio/impl/src.hpp>
