#include "api/http/config.hpp"

namespace troupe::http {

observer::~observer() = default;

} // namespace troupe::http
