#include "roles/cluster_config_values.hpp"

#include "codec/units.hpp"
#include "roles/observation_settings.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::config {
namespace {

constexpr std::size_t shown_chars_max = 60;

// The readers below say "yes" or "no" about a scalar's text.
template <class Accept>
wrong read_scalar(const YAML::Node& y, Accept&& accept) {
  if (y.IsScalar() && accept(y.Scalar())) return std::nullopt;
  return y;
}

template <class T, class Read>
wrong read_list(const YAML::Node& y, std::vector<T>& out, Read&& read) {
  if (!y.IsSequence()) return y;
  out.clear();
  for (const auto& element : y) {
    T value;
    if (auto bad = read(element, value)) return bad;
    if (std::ranges::find(out, value) != out.end()) return element;
    out.push_back(std::move(value));
  }
  return std::nullopt;
}

} // namespace

wrong read_text(const YAML::Node& y, std::string& out) {
  return read_scalar(y, [&](const std::string& text) {
    out = text;
    return !text.empty() && std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  });
}

wrong read_whole(const YAML::Node& y, std::uint32_t min, std::uint32_t max, std::uint32_t& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && e == std::errc{} && end == text.data() + text.size() && out >= min && out <= max;
  });
}

wrong read_size(const YAML::Node& y, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto bytes = parse_size(text);
    out = bytes.value_or(0);
    return bytes && out >= min && out <= max;
  });
}

wrong read_duration(
  const YAML::Node& y, std::chrono::milliseconds min, std::chrono::milliseconds max, std::chrono::milliseconds& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto time = parse_duration(text);
    out = time.value_or(std::chrono::milliseconds{0});
    auto unit = !text.empty() && (text.back() == 's' || text.back() == 'm' || text.back() == 'h');
    return time && unit && out >= min && out <= max;
  });
}

wrong read_word(const YAML::Node& y, std::string_view when_false, std::string_view when_true, bool& out) {
  return read_scalar(y, [&](const std::string& text) {
    out = text == when_true;
    return out || text == when_false;
  });
}

wrong read_listen_address(const YAML::Node& y, host_port& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto parsed = parse_host_port(text);
    if (parsed) out = *parsed;
    return parsed && is_numeric(out.host);
  });
}

wrong read_front_address(const YAML::Node& y, std::optional<host_port>& out) {
  if (y.IsScalar() && y.Scalar() == "off") {
    out.reset();
    return {};
  }
  return read_listen_address(y, out.emplace());
}

wrong read_front_names(const YAML::Node& y, std::vector<std::string>& out) {
  return read_list(y, out, [](const YAML::Node& element, std::string& name) {
    return read_scalar(element, [&](const std::string& text) {
      name = text;
      return text == "s3" || text == "console" ||
        std::ranges::any_of(front_kinds, [&](const auto& kind) { return text == kind.name; });
    });
  });
}

wrong read_trace_endpoint(const YAML::Node& y, std::string& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto checked = check_trace_endpoint(text);
    if (checked) out = *checked;
    return checked.has_value();
  });
}

wrong read_trace_sample(const YAML::Node& y, double& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto checked = check_trace_sample(text);
    if (checked) out = *checked;
    return checked.has_value();
  });
}

wrong read_node_address(const YAML::Node& y, host_port& out) {
  return read_scalar(y, [&](const std::string& text) {
    auto parsed = parse_node_address(text, default_actor_port);
    if (parsed) out = *parsed;
    return parsed.has_value();
  });
}

wrong read_addresses(const YAML::Node& y, std::vector<host_port>& out) { return read_list(y, out, read_node_address); }

wrong read_node_id(const YAML::Node& y, node_id& out) {
  return read_scalar(y, [&](const std::string& text) {
    out.name = text;
    return is_node_id(text);
  });
}

wrong read_node_ids(const YAML::Node& y, std::vector<node_id>& out) { return read_list(y, out, read_node_id); }

wrong read_zone(const YAML::Node& y, std::string& out) {
  return read_scalar(y, [&](const std::string& text) {
    out = text;
    return text.empty() || is_node_id(text);
  });
}

wrong read_region(const YAML::Node& y, std::string& out) {
  return read_scalar(y, [&](const std::string& text) {
    out = text;
    return is_node_id(text) && text.find_first_of("._") == std::string::npos;
  });
}

wrong read_roles(const YAML::Node& y, node_config& out) {
  std::vector<std::string> names;
  auto bad = read_list(y, names, [](const YAML::Node& element, std::string& name) {
    return read_scalar(element, [&](const std::string& text) {
      name = text;
      return text == "coordinator" || text == "storage" || text == "metadata";
    });
  });
  if (bad) return bad;
  if (names.empty()) return y;
  auto has = [&](const char* name) { return std::ranges::find(names, name) != names.end(); };
  out.coordinator = has("coordinator");
  out.storage = has("storage");
  out.metadata = has("metadata");
  return std::nullopt;
}

std::string found(const YAML::Node& y) {
  if (y.IsMap()) return "a mapping";
  if (y.IsSequence()) return y.size() == 0 ? "an empty list" : "a list";
  if (!y.IsScalar()) return "nothing";
  auto text = y.Scalar().substr(0, shown_chars_max);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "'" + text + (y.Scalar().size() > shown_chars_max ? "...'" : "'");
}

} // namespace troupe::config
