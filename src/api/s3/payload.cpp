#include "api/s3/payload.hpp"

#include "api/http/request.hpp"
#include "api/s3/errors.hpp"
#include "codec/aws_chunked.hpp"
#include "codec/checksum.hpp"
#include "codec/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe::s3 {

// The decoder over a request's body. Decodes in the reader's own buffer.
class aws_chunked_source final : public http::body_source {
public:
  aws_chunked_source(http::body_source& wire, aws_chunked_decoder::mode mode, std::optional<std::uint64_t> length,
    aws_chunked_decoder::signing s)
      : wire_(wire), decoder_(mode, length, std::move(s)) {}

  http::task<std::size_t> read(bytes_span dst) override {
    if (dst.empty() || ended_) co_return 0;
    if (pending_ != 0) co_return take_pending(dst);
    for (;;) {
      // A tiny reader (the probe for the end) must not make the framing be read byte by byte.
      const bool tiny = dst.size() < spare_.size();
      const bytes_span buffer = tiny ? bytes_span{spare_} : dst;
      const auto n = co_await wire_.read(buffer);
      if (n == 0) {
        if (auto end = decoder_.end(); !end) throw http::api_error{end.error()};
        ended_ = true;
        co_return 0;
      }
      auto decoded = decoder_.decode(buffer.first(n));
      if (!decoded) throw http::api_error{decoded.error()};
      if (*decoded == 0) continue;
      if (!tiny) co_return *decoded;
      pending_from_ = 0;
      pending_ = *decoded;
      co_return take_pending(dst);
    }
  }

  // Nothing before the end was reached.
  const std::string* trailer(std::string_view name) const {
    if (!ended_) return nullptr;
    for (const auto& [n, value] : decoder_.trailers())
      if (n == name) return &value;
    return nullptr;
  }

private:
  std::size_t take_pending(bytes_span dst) {
    const auto n = std::min(pending_, dst.size());
    std::memcpy(dst.data(), spare_.data() + pending_from_, n);
    pending_from_ += n;
    pending_ -= n;
    return n;
  }

  http::body_source& wire_;
  aws_chunked_decoder decoder_;
  bool ended_ = false;
  std::size_t pending_from_ = 0, pending_ = 0;
  std::array<std::byte, 512> spare_;
};

namespace {

using http::same_name;

constexpr std::string_view checksum_prefix = "x-amz-checksum-";

std::string_view find(std::span<const http::header> headers, std::string_view name) {
  for (const auto& h : headers)
    if (same_name(h.name, name)) return h.value;
  return {};
}

bool has(std::span<const http::header> headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const auto& h) { return same_name(h.name, name); });
}

// The kind that a header or trailer name ends in; nothing for x-amz-checksum-mode and other names.
std::optional<checksum_kind> kind_of_header(std::string_view name) {
  if (name.size() <= checksum_prefix.size() || !same_name(name.substr(0, checksum_prefix.size()), checksum_prefix))
    return {};
  return checksum_kind_named(name.substr(checksum_prefix.size()));
}

std::string header_name(checksum_kind kind) {
  auto name = std::string{checksum_prefix} + std::string{name_of(kind)};
  for (auto& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return name;
}

bool is_hex_sha256(std::string_view s) {
  auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  return s.size() == 64 && std::ranges::all_of(s, hex);
}

std::string lower_hex(std::string_view s) {
  std::string out{s};
  for (auto& c : out)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

} // namespace

std::optional<checksum_kind> read_algorithm(std::string_view header) {
  if (header.empty()) return {};
  const auto kind = checksum_kind_named(header);
  if (!kind)
    throw s3_error{ec::invalid_request,
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, "
      "CRC64NVME, SHA1, SHA256]"};
  return kind;
}

std::string read_checksum(checksum_kind kind, std::string_view base64) {
  auto raw = base64_decode(base64);
  if (!raw || raw->size() != raw_bytes(kind))
    throw s3_error{ec::invalid_request, "Value for " + header_name(kind) + " header is invalid."};
  return std::move(*raw);
}

payload::payload(
  http::request& req, std::span<const http::header> headers, const sigv4_identity& who, checksums_of whose)
    : request_(req) {
  const auto& claimed = who.payload_hash;
  const auto mode = aws_chunked_decoder::mode_named(claimed);
  if (mode) {
    if (const auto text = find(headers, "x-amz-decoded-content-length"); !text.empty()) {
      std::uint64_t n = 0;
      auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (e != std::errc{} || end != text.data() + text.size())
        throw s3_error{ec::invalid_argument, "x-amz-decoded-content-length is not a number."};
      length_ = n;
    }
    chunked_ = std::make_unique<aws_chunked_source>(req.content(), *mode, length_,
      aws_chunked_decoder::signing{
        .key = who.signing_key, .amz_date = who.amz_date, .scope = who.scope, .seed_signature = who.signature});
  } else {
    if (claimed.starts_with("STREAMING-"))
      throw s3_error{ec::not_implemented, "The payload signing '" + claimed + "' is not implemented."};
    if (is_hex_sha256(claimed))
      sha256_ = lower_hex(claimed);
    else if (claimed != "UNSIGNED-PAYLOAD")
      throw s3_error{ec::invalid_argument,
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."};
    if (!req.content().chunked() && req.has_header("Content-Length")) length_ = req.content().length();
  }
  if (has(headers, "Content-MD5")) {
    md5_ = base64_decode(find(headers, "Content-MD5"));
    if (!md5_ || md5_->size() != 16) throw s3_error{ec::invalid_digest, "The Content-MD5 you specified is not valid."};
  }
  if (whose == checksums_of::content) read_checksums(headers);
  const bool has_trailers = mode && *mode != aws_chunked_decoder::signed_payload;
  if (trailer_ && !has_trailers)
    throw s3_error{ec::invalid_request, "x-amz-trailer was sent with a payload that has no trailers."};
}

payload::payload(payload&&) noexcept = default;
payload::~payload() = default;

void payload::read_checksums(std::span<const http::header> headers) {
  auto only_one = [&] {
    if (!announced_.empty())
      throw s3_error{
        ec::invalid_request, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."};
  };
  std::optional<checksum_kind> found;
  for (const auto& h : headers) {
    if (same_name(h.name, "x-amz-trailer")) {
      // More trailers than one would be joined by commas; S3 has a use for checksums only.
      const auto kind = kind_of_header(h.value);
      if (!kind)
        throw s3_error{ec::invalid_request, "The value specified in the x-amz-trailer header is not supported"};
      only_one();
      announced_.add(*kind);
      trailer_ = found = kind;
      continue;
    }
    const auto kind = kind_of_header(h.name);
    if (!kind) continue;
    only_one();
    if (!values_) values_ = std::make_shared<checksum_values>();
    values_->set(*kind, read_checksum(*kind, h.value));
    announced_.add(*kind);
    found = kind;
  }
  const auto named = read_algorithm(find(headers, "x-amz-sdk-checksum-algorithm"));
  if (named && !found)
    throw s3_error{ec::invalid_request,
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
      "found."};
  if (named && *named != *found)
    throw s3_error{ec::invalid_request, "Value for x-amz-sdk-checksum-algorithm header is invalid."};
}

std::uint64_t payload::length() const {
  if (!length_) throw s3_error{ec::missing_content_length};
  return *length_;
}

http::body_source& payload::source() {
  if (chunked_) return *chunked_;
  return request_.content();
}

expected_content payload::expected() {
  expected_content e{.md5 = md5_, .sha256 = sha256_, .checksums = {}};
  if (announced_.empty()) return e;
  if (!trailer_) {
    e.checksums = [values = values_]() -> result<checksum_values> { return *values; };
    return e;
  }
  e.checksums = [kind = *trailer_, source = chunked_.get()]() -> result<checksum_values> {
    const auto name = header_name(kind);
    const auto* text = source->trailer(name);
    if (text == nullptr) return fail(ec::malformed_trailer, "The announced trailer " + name + " is missing.");
    auto raw = base64_decode(*text);
    if (!raw || raw->size() != raw_bytes(kind))
      return fail(ec::invalid_request, "Value for " + name + " trailing header is invalid.");
    checksum_values v;
    v.set(kind, std::move(*raw));
    return v;
  };
  return e;
}

http::task<std::string> payload::read_document(std::size_t bytes_max) {
  if (length_ && *length_ > bytes_max)
    throw s3_error{ec::entity_too_large, "The document is larger than " + std::to_string(bytes_max) + " bytes."};
  std::string text;
  if (absent() && !request_.content().chunked()) co_return text;
  constexpr std::size_t step = std::size_t{16} << 10;
  for (;;) { // grows as bytes arrive: an announced length alone costs no memory
    const auto have = text.size();
    text.resize(std::min(have + step, bytes_max + 1));
    const auto n = co_await http::read_full(
      source(), bytes_span{reinterpret_cast<std::byte*>(text.data()) + have, text.size() - have});
    text.resize(have + n);
    if (text.size() > bytes_max)
      throw s3_error{ec::entity_too_large, "The document is larger than " + std::to_string(bytes_max) + " bytes."};
    if (n == 0 || have + n < std::min(have + step, bytes_max + 1)) break;
  }
  const auto bytes = as_bytes(text);
  if (md5_ && *md5_ != as_text(md5(bytes)))
    throw s3_error{ec::bad_digest, "The Content-MD5 you specified did not match what we received."};
  if (sha256_ && *sha256_ != hex_encode(sha256(bytes))) throw s3_error{ec::content_sha256_mismatch};
  if (!announced_.empty()) {
    const auto wanted = must(expected().checksums());
    checksum_state state{announced_};
    state.add(bytes);
    const auto computed = state.finish();
    for (std::size_t i = 0; i < checksum_kinds; ++i) {
      const auto kind = static_cast<checksum_kind>(i);
      if (announced_.has(kind) && wanted.get(kind) != computed.get(kind))
        throw s3_error{ec::bad_digest,
          "The " + std::string{name_of(kind)} + " you specified did not match the calculated checksum."};
    }
  }
  co_return text;
}

} // namespace troupe::s3
