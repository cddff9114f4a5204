#include "cli/load_request.hpp"

#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"

#include <array>

namespace troupe::cli {

namespace {

constexpr std::string_view signed_names = "host;x-amz-content-sha256;x-amz-date";
constexpr std::string_view no_body_hash =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // SHA-256 of nothing

} // namespace

load_request_writer::load_request_writer(const connection& where, std::string bucket, std::string payload_hash)
    : where_(where), bucket_path_('/' + std::move(bucket) + '/'), payload_hash_(std::move(payload_hash)) {}

void load_request_writer::new_second(unix_ms now) {
  second_ = now / 1000;
  amz_date_ = format_amz_date(now);
  if (const auto day = amz_date_.substr(0, 8); day != day_) {
    day_ = day;
    scope_ = day_ + '/' + where_.region + "/s3/aws4_request";
    signing_key_ = sigv4_signing_key(where_.secret_key, day_, where_.region, "s3");
  }
}

void load_request_writer::write(
  std::string& out, std::string_view method, std::string_view key, std::uint64_t body_bytes, unix_ms now) {
  if (now / 1000 != second_) new_second(now);
  (path_ = bucket_path_) += key;
  const auto with_body = method == "PUT";
  const auto hash = with_body ? std::string_view{payload_hash_} : no_body_hash;
  const std::array headers{
    header_view{"host", where_.host}, header_view{"x-amz-content-sha256", hash}, header_view{"x-amz-date", amz_date_}};
  const auto canonical =
    sigv4_canonical_request({.method = method, .path = path_, .query = {}, .headers = headers}, signed_names, hash);
  const auto signature = sigv4_signature(signing_key_, amz_date_, scope_, canonical);
  out.clear();
  ((out += method) += ' ') += percent_encode(path_, true);
  ((out += " HTTP/1.1\r\nHost: ") += where_.host) += "\r\nUser-Agent: troupe-bench\r\n";
  if (with_body) ((out += "Content-Length: ") += std::to_string(body_bytes)) += "\r\n";
  ((out += "x-amz-content-sha256: ") += hash) += "\r\n";
  ((out += "x-amz-date: ") += amz_date_) += "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=";
  (((out += where_.access_key) += '/') += scope_) += ", SignedHeaders=";
  (((out += signed_names) += ", Signature=") += signature) += "\r\n\r\n";
}

} // namespace troupe::cli
