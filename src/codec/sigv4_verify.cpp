// The server's side of SigV4: read what the client claims, check the claim's form and time, then the signature.
#include "codec/sigv4.hpp"

#include "codec/text.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view unsupported =
  "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
constexpr std::size_t signed_headers_max = 128; // each costs a walk over all headers, before anyone is authenticated
constexpr std::int64_t expires_s_max = 7 * 24 * 3600;

bool same_name(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
    [](char c, char l) { return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : static_cast<int>(c)) == l; });
}

const header_view* find_header(const sigv4_request& request, std::string_view lower) {
  for (auto& h : request.headers)
    if (same_name(h.name, lower)) return &h;
  return nullptr;
}

std::string_view header_value(const sigv4_request& request, std::string_view lower) {
  auto* h = find_header(request, lower);
  return h ? h->value : std::string_view{};
}

const std::string* find_query(const sigv4_request& request, std::string_view name) {
  for (auto& [n, value] : request.query)
    if (n == name) return &value;
  return nullptr;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

struct claim {
  std::string_view access_key, day, region, service;
  std::string_view signed_headers, signature;
  std::string amz_date, payload_hash;
  unix_ms at = 0;
  bool presigned = false;

  ec malformed() const {
    return presigned ? ec::authorization_query_parameters_error : ec::authorization_header_malformed;
  }
};

// "<access key>/<day>/<region>/<service>/aws4_request"; an access key may hold slashes.
bool split_credential(std::string_view credential, claim& c) {
  std::string_view fields[4];
  for (auto i = std::size(fields); i-- > 0;) {
    auto slash = credential.rfind('/');
    if (slash == credential.npos) return false;
    fields[i] = credential.substr(slash + 1);
    credential = credential.substr(0, slash);
  }
  c.access_key = credential;
  c.day = fields[0];
  c.region = fields[1];
  c.service = fields[2];
  return !c.access_key.empty() && c.day.size() == 8 && !c.region.empty() && !c.service.empty() &&
    fields[3] == "aws4_request";
}

bool sensible_signed_headers(std::string_view names) {
  if (names.empty() || names.front() == ';' || names.back() == ';' || names.find(";;") != names.npos) return false;
  if (names.find_first_of(": \t\r\n,") != names.npos) return false;
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), ';')) < signed_headers_max;
}

bool listed(std::string_view names, std::string_view header) {
  for (auto rest = names; !rest.empty();) {
    auto end = rest.find(';');
    if (auto name = rest.substr(0, end); name.size() == header.size() && same_name(header, name)) return true;
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
  }
  return false;
}

// "Credential=..., SignedHeaders=..., Signature=...", in any order.
result<> read_authorization(std::string_view value, claim& c) {
  auto bad = [](std::string_view why) {
    return fail(ec::authorization_header_malformed, "The authorization header is malformed; " + std::string{why});
  };
  std::string_view credential;
  for (auto rest = value; !rest.empty();) {
    auto comma = rest.find(',');
    auto item = trimmed(rest.substr(0, comma));
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    auto equals = item.find('=');
    if (equals == item.npos) return bad("a component has no value.");
    auto name = item.substr(0, equals);
    auto* field = name == "Credential" ? &credential
      : name == "SignedHeaders"        ? &c.signed_headers
      : name == "Signature"            ? &c.signature
                                       : nullptr;
    if (!field) return bad("it has an unknown component.");
    if (!field->empty()) return bad("a component is there twice.");
    *field = item.substr(equals + 1);
  }
  if (!split_credential(credential, c)) return bad("the Credential is mal-formed.");
  if (c.signature.empty()) return bad("the Signature is missing.");
  return {};
}

result<> read_header_claim(const sigv4_request& request, std::string_view authorization, claim& c) {
  authorization = trimmed(authorization);
  if (!authorization.starts_with(algorithm) ||
    (authorization.size() > algorithm.size() && authorization[algorithm.size()] != ' ')) {
    if (authorization.starts_with("AWS")) return fail(ec::invalid_request, std::string{unsupported});
    return fail(ec::invalid_argument, "Unsupported Authorization Type");
  }
  TROUPE_TRY(read_authorization(authorization.substr(algorithm.size()), c));

  std::optional<unix_ms> at;
  if (auto* h = find_header(request, "x-amz-date")) at = parse_amz_date(trimmed(h->value));
  if (auto* h = at ? nullptr : find_header(request, "date")) {
    at = parse_http_date(trimmed(h->value));
    if (!at) at = parse_amz_date(trimmed(h->value));
  }
  if (!at) return fail(ec::access_denied, "AWS authentication requires a valid Date or x-amz-date header");
  c.at = *at;
  c.amz_date = format_amz_date(*at);
  c.payload_hash = trimmed(header_value(request, "x-amz-content-sha256"));
  if (c.payload_hash.empty())
    return fail(ec::invalid_request, "Missing required header for this request: x-amz-content-sha256");
  return {};
}

result<std::int64_t> read_query_claim(const sigv4_request& request, claim& c) {
  auto bad = [](std::string why) { return fail(ec::authorization_query_parameters_error, std::move(why)); };
  std::string_view values[6];
  constexpr std::string_view names[] = {
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    auto* value = find_query(request, names[i]);
    if (!value || value->empty())
      return bad("Query-string authentication version 4 requires the " + std::string{names[i]} + " parameter.");
    values[i] = *value;
  }
  if (values[0] != algorithm) return bad("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  if (!split_credential(values[1], c))
    return bad("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed.");
  auto at = parse_amz_date(values[2]);
  if (!at) return bad("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  std::int64_t expires_s = 0;
  auto [end, code] = std::from_chars(values[3].data(), values[3].data() + values[3].size(), expires_s);
  if (code == std::errc::result_out_of_range)
    expires_s = expires_s_max + 1;
  else if (code != std::errc{} || end != values[3].data() + values[3].size())
    return bad("X-Amz-Expires should be a number");
  if (expires_s < 1) return bad("X-Amz-Expires must be at least one second");
  if (expires_s > expires_s_max) return bad("X-Amz-Expires must be less than a week (in seconds) that is 604800");
  c.at = *at;
  c.amz_date = values[2];
  c.signed_headers = values[4];
  c.signature = values[5];
  if (auto* hash = find_query(request, "X-Amz-Content-Sha256"))
    c.payload_hash = *hash;
  else
    c.payload_hash = trimmed(header_value(request, "x-amz-content-sha256"));
  if (c.payload_hash.empty()) c.payload_hash = "UNSIGNED-PAYLOAD";
  return expires_s;
}

} // namespace

result<sigv4_identity> sigv4_verifier::verify(
  const sigv4_request& request, const secret_lookup& secret_of, unix_ms now) {
  claim c;
  auto* authorization = find_header(request, "authorization");
  c.presigned = find_query(request, "X-Amz-Algorithm") != nullptr;
  if (authorization && c.presigned)
    return fail(ec::invalid_argument,
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
      "parameter or the Authorization header should be specified");
  std::int64_t expires_s = 0;
  if (authorization) {
    auto count = std::count_if(
      request.headers.begin(), request.headers.end(), [](auto& h) { return same_name(h.name, "authorization"); });
    if (count > 1) return fail(ec::authorization_header_malformed, "More than one Authorization header.");
    TROUPE_TRY(read_header_claim(request, authorization->value, c));
  } else if (c.presigned) {
    auto read = read_query_claim(request, c);
    if (!read) return std::move(read).error();
    expires_s = *read;
  } else if (find_query(request, "Signature") && find_query(request, "AWSAccessKeyId")) {
    return fail(ec::invalid_request, std::string{unsupported});
  } else {
    return fail(ec::access_denied, "Access Denied");
  }

  if (!sensible_signed_headers(c.signed_headers))
    return fail(c.malformed(), "The SignedHeaders component is mal-formed.");
  if (c.service != rules_.service)
    return fail(c.malformed(),
      "Incorrect service \"" + std::string{c.service} + "\". This endpoint belongs to \"" + rules_.service + "\".");
  if (!rules_.region.empty() && c.region != rules_.region)
    return fail(
      c.malformed(), "The region '" + std::string{c.region} + "' is wrong; expecting '" + rules_.region + "'");
  if (!c.amz_date.starts_with(c.day))
    return fail(c.malformed(),
      "Invalid credential date \"" + std::string{c.day} + "\". This date is not the same as X-Amz-Date: \"" +
        c.amz_date.substr(0, 8) + "\".");

  if (c.presigned) {
    if (now > c.at + expires_s * 1000) return fail(ec::access_denied, "Request has expired");
    if (now < c.at - rules_.skew_ms) return fail(ec::access_denied, "Request is not yet valid");
  } else if (now > c.at + rules_.skew_ms || now < c.at - rules_.skew_ms) {
    return fail(
      ec::request_time_too_skewed, "The difference between the request time and the current time is too large.");
  }

  auto unsigned_header = [](std::string_view name) {
    return fail(
      ec::access_denied, "There were headers present in the request which were not signed: " + std::string{name});
  };
  if (!listed(c.signed_headers, "host")) return unsigned_header("host");
  for (auto& h : request.headers)
    if (h.name.size() > 6 && same_name(h.name.substr(0, 6), "x-amz-") && !same_name(h.name, "x-amz-content-sha256") &&
      !listed(c.signed_headers, h.name))
      return unsigned_header(h.name);

  auto secret = secret_of(c.access_key);
  if (!secret)
    return fail(ec::invalid_access_key_id, "The AWS Access Key Id you provided does not exist in our records.");
  auto scope = std::string{c.day} + "/" + std::string{c.region} + "/" + std::string{c.service} + "/aws4_request";
  sigv4_identity who{.access_key = std::string{c.access_key},
    .scope = std::move(scope),
    .region = std::string{c.region},
    .signing_key = {},
    .signature = std::string{c.signature},
    .amz_date = c.amz_date,
    .signed_headers = std::string{c.signed_headers},
    .payload_hash = c.payload_hash,
    .presigned = c.presigned};
  auto cache_key = who.access_key + "/" + who.scope;
  auto cached = keys_.find(cache_key);
  auto known = cached != keys_.end() && equal_constant_time(cached->second.secret, *secret);
  who.signing_key = known ? cached->second.key : sigv4_signing_key(*secret, c.day, c.region, c.service);
  auto canonical = sigv4_canonical_request(
    request, c.signed_headers, c.payload_hash, c.presigned ? std::string_view{"X-Amz-Signature"} : std::string_view{});
  if (!equal_constant_time(sigv4_signature(who.signing_key, c.amz_date, who.scope, canonical), c.signature))
    return fail(ec::signature_does_not_match,
      "The request signature we calculated does not match the signature you provided. Check your key and "
      "signing method.");
  if (!known) {
    if (keys_.size() >= rules_.cached_keys_max) keys_.clear();
    keys_.insert_or_assign(std::move(cache_key), cached_key{std::move(*secret), who.signing_key});
  }
  return who;
}

} // namespace troupe
