#include "roles/cluster_config.hpp"

#include "roles/cluster_config_draft.hpp"
#include "store/text_file.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::size_t config_bytes_max = std::size_t{1} << 20;
constexpr std::size_t credentials_bytes_max = std::size_t{64} << 10;

error with_advice(const error& e, const char* advice) { return fail(e.code, e.message + "; " + advice); }

// yaml-cpp's words up to the colon: what follows may be a piece of the file, and that may be a secret.
std::string syntax_error(const YAML::Exception& e) { return "is not YAML: " + e.msg.substr(0, e.msg.find(':')); }

result<> read_yaml(std::string_view text, config::draft& d) {
  try {
    auto documents = YAML::LoadAll(std::string{text});
    if (documents.empty()) documents.emplace_back(); // refused as any other document without content
    if (documents.size() != 1)
      return fail(ec::bad_argument,
        d.name + ":1: the file holds " + std::to_string(documents.size()) +
          " YAML documents; expected one, with the key storage");
    return config::read_document(documents.front(), d);
  } catch (const YAML::Exception& e) {
    auto line = e.mark.is_null() ? 1 : e.mark.line + 1;
    return fail(ec::bad_argument, d.name + ":" + std::to_string(line) + ": " + syntax_error(e));
  }
}

// The front doors' addresses are this process's: of its one node when it has one.
result<> apply_front_doors(const config_overrides& o, config::draft& d) {
  TROUPE_TRY(config::read_override("s3.address", o.s3, d));
  TROUPE_TRY(config::read_override("console.address", o.console, d));
  for (std::size_t k = 0; k < front_kinds.size(); ++k)
    TROUPE_TRY(config::read_override(front_kinds[k].name + std::string{".address"}, o.fronts[k], d));
  if (!d.self) return {};
  for (std::size_t i = 0; i < d.nodes.size(); ++i) {
    auto& n = d.nodes[i];
    if (n.id != *d.self) continue;
    if (!o.s3.value.empty()) n.s3 = {};
    if (!o.console.value.empty()) n.console = {};
    for (std::size_t k = 0; k < front_kinds.size(); ++k)
      if (!o.fronts[k].value.empty()) d.places.erase("nodes[" + std::to_string(i) + "]." + front_kinds[k].name);
  }
  return {};
}

result<> apply_node(const config_override& o, config::draft& d) {
  if (o.value.empty()) return {};
  if (o.value == "-1") { // seed 004: all nodes in this process
    d.mode = cluster_mode::local;
    d.places["mode"] = o.origin;
    return {};
  }
  if (d.mode == cluster_mode::local)
    return fail(ec::bad_argument,
      o.origin + " is '" + o.value + "', but mode is local: all nodes are in one process; " + "drop " + o.origin +
        ", or set mode to distributed");
  if (d.find(node_id{o.value}) == nullptr) {
    std::string known;
    for (const auto& n : d.nodes) known += (known.empty() ? "" : ", ") + n.id.name;
    return fail(ec::bad_argument,
      o.origin + " is '" + o.value + "', which is no node of " + d.name + "; expected one of " + known);
  }
  d.self = node_id{o.value};
  return {};
}

result<> apply_roles(const config_override& o, config::draft& d) {
  if (o.value.empty()) return {};
  if (!d.self)
    return fail(ec::bad_argument,
      o.origin + " is '" + o.value + "', but no node was named: say which one has these roles with --node ID; drop " +
        o.origin + " where all nodes are in one process");
  auto& node = *std::ranges::find(d.nodes, *d.self, &node_config::id);
  const auto listed = node;
  TROUPE_TRY(config::read_roles_override(o, node));
  auto refuse = [&](const char* role, const char* why) {
    return fail(ec::bad_argument,
      o.origin + " is '" + o.value + "', and " + d.name + " says otherwise about " + node.id.name + " and the role " +
        role + ": " + why + "; change its roles there, on every node");
  };
  if (listed.storage && !node.storage) return refuse("storage", "other nodes would send it pieces");
  if (node.metadata != listed.metadata && !d.given("metadata.members"))
    return refuse("metadata", "who founds the metadata group must be the same to all");
  return {};
}

// Where all nodes are in one process there is nobody to prove a name to: a certificate without an authority is the front
// doors' (seed 004's -tls-cert and -tls-key).
result<> apply_certificates(const config_overrides& o, config::draft& d) {
  const bool of_fronts = d.mode == cluster_mode::local && o.ca.value.empty();
  TROUPE_TRY(config::read_override("tls.ca", o.ca, d));
  TROUPE_TRY(config::read_override(of_fronts ? "https.certificate" : "tls.certificate", o.certificate, d));
  TROUPE_TRY(config::read_override(of_fronts ? "https.key" : "tls.key", o.key, d));
  TROUPE_TRY(config::read_override("https.certificate", o.https_certificate, d));
  return config::read_override("https.key", o.https_key, d);
}

result<> apply(const config_overrides& o, config::draft& d) {
  TROUPE_TRY(config::read_override("mode", o.mode, d));
  TROUPE_TRY(apply_node(o.node, d));
  TROUPE_TRY(apply_roles(o.roles, d));
  TROUPE_TRY(apply_front_doors(o, d));
  TROUPE_TRY(config::read_override("seeds", o.seeds, d));
  TROUPE_TRY(apply_certificates(o, d));
  TROUPE_TRY(config::read_override("tracing.endpoint", o.trace_endpoint, d));
  TROUPE_TRY(config::read_override("tracing.sample", o.trace_sample, d));
  if (o.access_key.value.empty() && o.secret_key.value.empty()) return {};
  if (o.access_key.value.empty() || o.secret_key.value.empty()) {
    const auto& alone = o.access_key.value.empty() ? o.secret_key : o.access_key;
    return fail(
      ec::bad_argument, alone.origin + " is given alone; expected an access key and its secret key, or neither");
  }
  d.credentials_file.clear();
  for (const char* key : {"credentials_file", "credentials.access_key", "credentials.secret_key"}) d.places.erase(key);
  TROUPE_TRY(config::read_override("credentials.access_key", o.access_key, d));
  TROUPE_TRY(config::read_override("credentials.secret_key", o.secret_key, d));
  d.keys.from_environment = true;
  return {};
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

} // namespace

bool is_node_id(std::string_view text) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && plain(text.front()) &&
    std::ranges::all_of(text, [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

const node_config* cluster_config::find(const node_id& id) const {
  auto found = std::ranges::find(nodes, id, &node_config::id);
  return found == nodes.end() ? nullptr : &*found;
}

std::optional<tls_files> cluster_config::tls_of(const node_id& id) const {
  auto pem = tls;
  if (pem)
    for (auto* path : {&pem->ca, &pem->certificate, &pem->key}) replace_all(*path, "{node}", id.name);
  return pem;
}

https_settings cluster_config::https_of(const node_id& id) const {
  auto its = https;
  for (auto* path : {&its.certificate, &its.key}) replace_all(*path, "{node}", id.name);
  return its;
}

audit_settings cluster_config::audit_of(const node_config& n) const {
  auto its = audit;
  if (its.file == "off")
    its.file.clear();
  else if (its.file.empty())
    its.file = n.data_dir + "/audit.log";
  replace_all(its.file, "{node}", n.id.name);
  return its;
}

result<cluster_config> parse_cluster_config(
  std::string_view text, const std::string& name, const config_overrides& overrides) {
  config::draft d;
  d.name = name;
  TROUPE_TRY(read_yaml(text, d));
  for (auto& n : d.nodes) replace_all(n.data_dir, "{node}", n.id.name);
  TROUPE_TRY(apply(overrides, d));
  TROUPE_TRY(config::complete(d));
  return cluster_config{std::move(d)};
}

result<cluster_config> load_cluster_config(const std::string& path, const config_overrides& overrides) {
  auto text = read_text_file(path, config_bytes_max);
  if (!text) return with_advice(text.error(), "give a cluster configuration; config/reference.yaml explains every key");
  return parse_cluster_config(*text, path, overrides);
}

result<credentials> cluster_credentials(const cluster_config& c) {
  constexpr const char* ways = "set TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, or credentials_file in the configuration, "
                               "the same on every node";
  if (!c.keys.access_key.empty()) return c.keys;
  if (c.credentials_file.empty())
    return fail(ec::not_found, std::string{"there are no keys for clients to sign with; "} + ways);
  auto text = read_text_file(c.credentials_file, credentials_bytes_max);
  if (!text) return with_advice(text.error(), ways);
  auto values = parse_credentials(*text);
  if (!values) return fail(values.error().code, c.credentials_file + ": " + values.error().message);
  credentials keys{.access_key = (*values)["access_key"], .secret_key = (*values)["secret_key"]};
  if (keys.access_key.size() < 3 || keys.secret_key.size() < 8)
    return fail(ec::bad_argument,
      c.credentials_file +
        ": expected lines `access_key = ...`, of at least 3 characters, and `secret_key = ...`, of at least 8");
  return keys;
}

} // namespace troupe
