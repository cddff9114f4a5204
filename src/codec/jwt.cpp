#include "codec/jwt.hpp"

#include "codec/text.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>

namespace troupe {

namespace json = boost::json;

namespace {

constexpr std::size_t name_bytes_max = 1024, list_max = 64;
constexpr double seconds_max = 253402300800.0; // the year 10000

error denied(std::string why) { return fail(ec::access_denied, "The token is refused: " + std::move(why)); }

std::optional<json::object> object_in(std::string_view text) {
  json::parse_options shallow;
  shallow.max_depth = 8;
  json::error_code e;
  auto value = json::parse(text, e, {}, shallow);
  if (e || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// Says whether it is absent or a text.
bool read_text(const json::object& o, std::string_view name, std::string& out) {
  const auto* v = o.if_contains(name);
  if (v == nullptr) return true;
  if (!v->is_string() || v->get_string().size() > name_bytes_max) return false;
  out = std::string{v->get_string()};
  return true;
}

bool read_time(const json::object& o, std::string_view name, std::optional<unix_ms>& out) {
  const auto* v = o.if_contains(name);
  if (v == nullptr) return true;
  if (!v->is_number()) return false;
  const auto seconds = v->to_number<double>();
  if (!(seconds >= 0 && seconds < seconds_max)) return false;
  out = static_cast<unix_ms>(std::floor(seconds * 1000));
  return true;
}

// One text or a list of texts; `split`: the words of one text.
bool read_texts(const json::object& o, std::string_view name, bool split, std::vector<std::string>& out) {
  const auto* v = o.if_contains(name);
  if (v == nullptr) return true;
  if (v->is_string()) {
    std::string_view rest = v->get_string();
    if (!split) {
      out.emplace_back(rest);
      return true;
    }
    while (!rest.empty() && out.size() < list_max) {
      const auto end = rest.find(' ');
      if (end != 0) out.emplace_back(rest.substr(0, end));
      rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    }
    return rest.empty();
  }
  if (!v->is_array() || v->get_array().size() > list_max) return false;
  for (const auto& element : v->get_array()) {
    if (!element.is_string()) return false;
    out.emplace_back(element.get_string());
  }
  return true;
}

} // namespace

std::optional<std::string> base64url_decode(std::string_view in) {
  if (in.size() % 4 == 1) return std::nullopt;
  std::string standard{in};
  for (auto& c : standard) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  standard.append((4 - standard.size() % 4) % 4, '=');
  return base64_decode(standard);
}

result<jwt> parse_jwt(std::string_view token) {
  if (token.size() > jwt_bytes_max) return denied("it is longer than 8 KiB.");
  const auto first = token.find('.'), second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return denied("it does not have three parts.");
  const auto header = base64url_decode(token.substr(0, first));
  auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(token.substr(second + 1));
  if (!header || !payload || !signature) return denied("a part of it is not base64url.");
  const auto fields = object_in(*header);
  std::string algorithm;
  jwt t;
  if (!fields || !read_text(*fields, "alg", algorithm) || !read_text(*fields, "kid", t.key_id))
    return denied("its header does not parse.");
  if (fields->contains("crit")) return denied("it asks for extensions that are not there.");
  if (algorithm == "HS256")
    t.algorithm = jwt_algorithm::hs256;
  else if (algorithm == "RS256")
    t.algorithm = jwt_algorithm::rs256;
  else if (algorithm == "ES256")
    t.algorithm = jwt_algorithm::es256;
  else
    return denied("its algorithm is none of RS256, ES256 and HS256.");
  if (signature->empty()) return denied("it is not signed.");
  t.signed_text = token.substr(0, second);
  t.signature = std::move(*signature);
  t.payload = std::move(*payload);
  return t;
}

result<> verify_jwt(const jwt& t, const jwk_set& keys) {
  for (const auto& key : keys.keys()) {
    if (key.algorithm() != t.algorithm || (!t.key_id.empty() && key.id() != t.key_id)) continue;
    if (key.verifies(t.signed_text, t.signature)) return {};
  }
  return denied("no key of its issuer verifies its signature.");
}

result<jwt_claims> read_claims(std::string_view payload, std::string_view roles_claim) {
  const auto fields = object_in(payload);
  jwt_claims c;
  if (!fields) return denied("its payload does not parse.");
  for (const auto& [name, to] : {std::pair{"iss", &c.issuer}, std::pair{"sub", &c.subject}})
    if (!read_text(*fields, name, *to)) return denied(std::string{name} + " is not a text of a sensible length.");
  for (const auto& [name, to] : {std::pair{"exp", &c.expires}, std::pair{"nbf", &c.not_before}})
    if (!read_time(*fields, name, *to)) return denied(std::string{name} + " is not a time.");
  if (!read_texts(*fields, "aud", false, c.audience)) return denied("aud is not a text or a list of texts.");
  if (!roles_claim.empty() && !read_texts(*fields, roles_claim, true, c.roles))
    return denied(std::string{roles_claim} + " is not a text or a list of texts.");
  return c;
}

} // namespace troupe
