// Boost.JSON is a header library: compiled once, here: the lowest layer that uses it.
#include <boost/json/src.hpp>
