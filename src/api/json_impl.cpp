// Boost.JSON is a header library: compiled once, here, as no layer below uses it.
#include <boost/json/src.hpp>
