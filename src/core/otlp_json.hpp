// otlp_json: spans as the body of one OTLP/HTTP request in its JSON encoding (opentelemetry-proto, trace/v1: ids in hex,
// 64-bit numbers as strings), which every collector takes on /v1/traces as application/json.
#pragma once

#include "core/tracer.hpp"

#include <span>
#include <string>

namespace troupe {

// Who speaks, for the resource: service.name, service.instance.id, service.version.
struct otlp_resource {
  std::string service = "troupe";
  std::string instance; // a node's name
  std::string version;
};

std::string otlp_json(const otlp_resource&, std::span<const span>);

} // namespace troupe
